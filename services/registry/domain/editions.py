"""Pure: how an edition, or one unit's own norms, comes into force: drafted, approved by its chains, filed.

A proposal is one draft with all that was decided about it. Every change of it is told as an event.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.registry.domain.records import State
from shared.errors import ConflictError, FieldProblem, ForbiddenError, InvalidInputError
from shared.events import Event
from shared.events.registry import (
    EditionApproved,
    EditionEnacted,
    EditionFiled,
    EditionProposed,
    EditionRejected,
)
from shared.rulebook.edition import Edition
from shared.rulebook.schema.group import Approval

Chains = Mapping[str, Approval]


class AlteredError(ConflictError):
    """A draft was changed outside the registry."""

    code = "draft-altered"


class ApprovalError(ConflictError):
    """The draft is not at the point where this can be done."""

    code = "approval-out-of-order"


class PublishedPeriodError(ConflictError):
    """A change reaches into a published period and does not say that it restates it."""

    code = "published-period"


@dataclass(frozen=True, slots=True)
class Holder:
    """A role in which somebody acts: their own, or that of an absent person whom they stand in for."""

    person: str
    role: str
    for_person: str = ""

    @property
    def people(self) -> frozenset[str]:
        """Whoever has a hand in what is done so."""
        return frozenset({self.person, self.for_person} - {""})


def check_interpreter(role: str, edition: Edition, now: datetime) -> None:
    """Refuse a ruling by another than the interpreting role. Raises ``ForbiddenError`` (QS-12)."""
    interpret = [rule.interprets for rule in edition.at(now).rulebook.approval.values() if rule.interprets]
    if interpret and role not in interpret:
        msg = f"How a clause is read is ruled by a '{interpret[0]}'; you are a '{role}'."
        raise ForbiddenError(msg)


def chains_for(edition: Edition, topics: Sequence[str], now: datetime) -> Chains:
    """Return the chains that a change of these topics passes; none: the proposer's right suffices (QS-11, XA-15).

    A topic that no chain covers passes the chains that cover nothing in particular; where there is no such one, all.
    """
    known = {key: rule for key, rule in edition.at(now).rulebook.approval.items() if rule.of == "edition"}
    concerned = {key for key, rule in known.items() if not set(rule.covers).isdisjoint(topics)}
    if not concerned or set(topics) - {topic for rule in known.values() for topic in rule.covers}:
        concerned |= {key for key, rule in known.items() if not rule.covers} or known.keys()
    return {key: rule for key, rule in known.items() if key in concerned}


def must_draft(role: str, chains: Chains) -> None:
    """Refuse a draft by another role than the chains name. Raises ``ForbiddenError``."""
    for rule in chains.values():
        if role != rule.drafts:
            msg = f"Such a change is drafted by a '{rule.drafts}' ({', '.join(rule.source)}); you are a '{role}'."
            raise ForbiddenError(msg)


def must_spare_the_published(first: date | None, published: date | None, *, restates: bool) -> None:
    """Refuse a change in a period that was published, unless it is meant to restate it.

    Args:
        first: First day on which something changes.
        published: First day that is not published yet.

    Raises:
        PublishedPeriodError: It would change a published figure, and does not say so.
    """
    if first and published and first < published and not restates:
        msg = (
            f"This changes what holds from {first} on, and everything before {published} is published. Let it begin "
            "later, or state 'restates': then the published periods are closed anew, visibly."
        )
        raise PublishedPeriodError(msg)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is put before those who approve it.

    Attributes:
        topics: Files whose rules change.
        first: First day on which something changes.
        restates: It is meant to change what is published.
        against: Hash of the edition in force, which the draft was compared with.
        unit: Unit whose own norms these are; empty for an edition.
        until: First day on which own norms hold no more.
    """

    name: str
    hash: str
    bundle: str
    topics: tuple[str, ...] = ()
    first: date | None = None
    restates: bool = False
    against: str = ""
    unit: str = ""
    until: date | None = None


def propose(draft: Draft, by: str, now: datetime, chains: Chains) -> tuple[State, EditionProposed]:
    """Return a proposal that waits for its approvals, and the event that tells it."""
    proposal = {
        "name": draft.name,
        "hash": draft.hash,
        "bundle": draft.bundle,
        "topics": list(draft.topics),
        "changes_from": draft.first.isoformat() if draft.first else None,
        "restates": draft.restates,
        "against": draft.against,
        "unit": draft.unit,
        "until": draft.until.isoformat() if draft.until else None,
        "proposed_by": by,
        "proposed_at": now.isoformat(),
        "chains": {key: list(rule.approves) for key, rule in chains.items()},
        "files_with": {key: rule.files_with for key, rule in chains.items() if rule.files_with},
        "approvals": [],
        "rejected": None,
        "filed": [],
    }
    told = EditionProposed(
        name=draft.name, hash=draft.hash, topics=draft.topics, restates=draft.restates, by=by
    )
    return _turned(proposal), told


def _turned(proposal: State) -> State:
    """Say whose turn it is: the next role of each chain."""
    nexts = [roles[0] for roles in proposal["chains"].values() if roles]
    return {**proposal, "waits_for": list(dict.fromkeys(nexts))}


def must_be_unaltered(fault: str) -> None:
    """Refuse to approve what was changed in the database since it was proposed. Raises ``AlteredError``."""
    if fault:
        msg = f"This draft is not as it was proposed ({fault}). Nothing was approved; reject it and propose it anew."
        raise AlteredError(msg)


def approve(
    proposal: State, holders: Iterable[Holder], now: datetime, report: str = ""
) -> tuple[State, tuple[EditionApproved, ...]]:
    """Record one approval, in every chain in which it is that role's turn.

    Args:
        holders: The roles in which the caller can act, their own first.
        report: Hash of the what-if report that was before them.

    Raises:
        ApprovalError: It is another role's turn, the proposer approves, or one person does twice in one chain.
    """
    holder = _on_turn(proposal, holders)
    turns = [key for key, roles in proposal["chains"].items() if roles and roles[0] == holder.role]
    if proposal["proposed_by"] in holder.people:
        msg = "Who proposes a draft does not approve it. Ask another holder of the role."
        raise ApprovalError(msg)
    before = {
        (one["chain"], person)
        for one in proposal["approvals"]
        for person in (one["person"], one["for_person"])
    }
    turns = [key for key in turns if before.isdisjoint((key, person) for person in holder.people)]
    if not turns:
        msg = "You approved this draft already. Its next approval is another person's."
        raise ApprovalError(msg)
    made = [
        {
            "chain": key,
            "role": holder.role,
            "person": holder.person,
            "for_person": holder.for_person,
            "report": report,
        }
        for key in turns
    ]
    left = {key: roles[1:] if key in turns else roles for key, roles in proposal["chains"].items()}
    told = [{**one, "at": now.isoformat()} for one in made]
    state = _turned({**proposal, "chains": left, "approvals": [*proposal["approvals"], *told]})
    events = tuple(EditionApproved(name=proposal["name"], hash=proposal["hash"], **one) for one in made)
    return state, events


def reject(
    proposal: State, holders: Iterable[Holder], reasons: str, now: datetime
) -> tuple[State, EditionRejected]:
    """Refuse a draft, with reasons. It may be proposed again, changed or not.

    Raises:
        ApprovalError: It is another role's turn.
    """
    holder = _on_turn(proposal, holders)
    chain = next(key for key, roles in proposal["chains"].items() if roles and roles[0] == holder.role)
    said = {"chain": chain, "role": holder.role, "person": holder.person, "reasons": reasons}
    state = {**proposal, "waits_for": [], "rejected": {**said, "at": now.isoformat()}}
    return state, EditionRejected(name=proposal["name"], hash=proposal["hash"], **said)


def _on_turn(proposal: State, holders: Iterable[Holder]) -> Holder:
    held = list(holders)
    name, waits_for = proposal["name"], proposal["waits_for"]
    if proposal["rejected"]:
        msg = f"The draft '{name}' was rejected: {proposal['rejected']['reasons']} Propose it again."
        raise ApprovalError(msg)
    if not waits_for:
        msg = f"'{name}' has all its approvals already."
        raise ApprovalError(msg)
    for holder in held:
        if holder.role in waits_for:
            return holder
    turn = "' or a '".join(waits_for)
    msg = f"'{name}' waits for the approval of a '{turn}'; you are a '{held[0].role}'."
    raise ApprovalError(msg)


def file(proposal: State, filed_with: str, on: date, by: str) -> tuple[State, Event | None]:
    """Record that an approved text was filed with a body outside (XA-15); no event where that is recorded already.

    Raises:
        ApprovalError: It is not approved.
        InvalidInputError: The regulation names another body.
    """
    if proposal["waits_for"] or proposal["rejected"]:
        msg = f"'{proposal['name']}' is not approved, so there is nothing to file."
        raise ApprovalError(msg)
    bodies = sorted(set(proposal["files_with"].values()))
    if filed_with not in bodies:
        reason = f"one of: {', '.join(bodies)}" if bodies else "the regulation names nobody"
        raise InvalidInputError("Nothing was filed.", [FieldProblem("filed_with", reason)])
    if filed_with in {one["filed_with"] for one in proposal["filed"]}:
        return proposal, None
    said = {"filed_with": filed_with, "on": on.isoformat(), "by": by}
    event = EditionFiled(name=proposal["name"], hash=proposal["hash"], filed_with=filed_with, on=on, by=by)
    return {**proposal, "filed": [*proposal["filed"], said]}, event


def must_build_on(proposal: State, in_force: str) -> None:
    """Refuse the approval of a draft that would undo what came into force since it was written.

    Raises:
        ApprovalError: The edition in force is another than the one that it was compared with.
    """
    if proposal["against"] != in_force:
        msg = (
            f"Since '{proposal['name']}' was proposed another edition came into force, and this one would undo it. "
            "Propose it again."
        )
        raise ApprovalError(msg)


def enacted(proposal: State, now: datetime) -> EditionEnacted:
    """Return the event that puts an edition into force, carrying the edition itself."""
    return EditionEnacted(
        name=proposal["name"],
        hash=proposal["hash"],
        enacted_at=now,
        approved_by=approvers(proposal),
        bundle=proposal["bundle"],
    )


def approvers(proposal: State) -> tuple[str, ...]:
    """Return who approved, each once, in order."""
    return tuple(dict.fromkeys(str(one["person"]) for one in proposal["approvals"]))
