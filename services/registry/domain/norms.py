"""Pure: norms of a unit's own, which hold only once they are filed and confirmed (ZY-02)."""

from collections.abc import Sequence
from datetime import date, datetime

from services.registry.domain.editions import Chains, approvers
from services.registry.domain.records import State
from shared.errors import ConflictError, FieldProblem, ForbiddenError, InvalidInputError, NotFoundError
from shared.events.registry import OverlayEnded, OverlayFiled
from shared.rulebook.edition import Edition


class NoOwnNormsError(ConflictError):
    """The regulation lets no unit set this for itself."""

    code = "no-own-norms"


def chains_for(edition: Edition, topics: Sequence[str], now: datetime) -> Chains:
    """Return the chains that own norms of these topics pass.

    Raises:
        NoOwnNormsError: The regulation lets no unit have norms of its own for one of them.
    """
    known = {key: rule for key, rule in edition.at(now).rulebook.approval.items() if rule.of == "overlay"}
    concerned = {
        key: rule for key, rule in known.items() if not rule.covers or not set(rule.covers).isdisjoint(topics)
    }
    covered = {topic for rule in concerned.values() for topic in rule.covers or topics}
    if left := sorted(set(topics) - covered):
        msg = (
            f"This regulation lets no unit have norms of its own for: {', '.join(left)}. The group's rules hold; "
            "propose an edition to change them for all."
        )
        raise NoOwnNormsError(msg)
    return concerned


def must_begin_before_it_ends(since: date | None, until: date | None) -> date:
    """Return the day from which own norms hold.

    Raises:
        InvalidInputError: They change nothing, or end before they begin.
    """
    if since is None:
        problem = FieldProblem("files", "they say nothing else than the group's rules")
        raise InvalidInputError("There is nothing to file.", [problem])
    if until is not None and until <= since:
        raise InvalidInputError("Nothing was filed.", [FieldProblem("until", f"after {since}")])
    return since


def filed(proposal: State) -> OverlayFiled:
    """Return the event that own norms were filed and confirmed."""
    return OverlayFiled(
        overlay=proposal["name"],
        unit=proposal["unit"],
        since=proposal["changes_from"],
        until=proposal["until"],
        hash=proposal["hash"],
        approved_by=approvers(proposal),
        bundle=proposal["bundle"],
    )


def end(
    state: State | None,
    edition: Edition,
    role: str,
    now: datetime,
    *,
    overlay: str,
    ends_on: date,
    reason: str,
    by: str,
) -> OverlayEnded | None:
    """Return the event that a unit's own norms hold no more from a day on; None where that is recorded already.

    Raises:
        NotFoundError: None such were filed.
        ForbiddenError: The role neither drafts nor approves such norms.
        ConflictError: They end on another day already.
        InvalidInputError: They would end before they begin.
    """
    if state is None:
        msg = f"There are no own norms '{overlay}'. GET /v1/overlays lists them."
        raise NotFoundError(msg)
    rules = [one for one in edition.at(now).rulebook.approval.values() if one.of == "overlay"]
    may = {role for rule in rules for role in (rule.drafts, *rule.approves)}
    if role not in may:
        named = "' or a '".join(sorted(may))
        msg = f"Own norms are ended by a '{named}'; you are a '{role}'."
        raise ForbiddenError(msg)
    if known := state.get("ends_on"):
        if known == ends_on.isoformat():
            return None
        msg = f"The own norms '{overlay}' end on {known} already."
        raise ConflictError(msg)
    if ends_on.isoformat() <= state["since"]:
        problem = FieldProblem("ends_on", f"after the day from which they hold, {state['since']}")
        raise InvalidInputError("Nothing was ended.", [problem])
    return OverlayEnded(overlay=overlay, unit=state["unit"], ends_on=ends_on, reason=reason, by=by)
