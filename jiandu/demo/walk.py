"""One matter on its way through whatever procedure a rulebook names, from its receipt to the closed file.

What may come next, until when and with which papers is asked of handling's own decisions, so a walk knows no
regulation. Pure: the same rulebook and chance give the same deeds.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from jiandu.demo.cast import Cast, Hand
from jiandu.demo.hours import A_MOMENT, Hours
from services.handling.domain import RIGHTS, Actor, Allowed, Case, allowed, decide, follow, parse_command
from services.handling.domain.commands.settlement import to_sign
from shared.events import Envelope, Happened
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.procedures import Step, TableUse
from shared.timekeeping.limits import Limit, due_before

Body = dict[str, Any]

MOST_DEEDS = 60
"""A walk that takes more goes in a circle."""

_NEVER = timedelta(days=3650)
_A_DAY, _LATE = timedelta(days=1), timedelta(hours=30)
_MOST_H = 30
"""Within this something is done that has no limit, however long there is until the next that has one."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a matter goes.

    Attributes:
        validity: What it is found to be; the presumed validity where it is empty.
        grade: Grade that is found.
        liable: Who is found liable, where the procedure asks.
        way: How it is settled, where it is settled.
        deposit: What is left of the deposit that the amount comes off, where the way says so.
        late: Steps whose deadline passes first.
        instead: Steps without a limit that make others void and are taken all the same.
        skip: Steps that nobody takes.
        lacking: Elements that reports lack.
        refused: The result is refused once before it is accepted.
    """

    validity: str = ""
    grade: str = ""
    liable: str = ""
    way: str = ""
    amount: int = 500
    deposit: int | None = None
    late: frozenset[str] = frozenset()
    instead: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    lacking: frozenset[str] = frozenset()
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Deed:
    """A command on the case, when it was done, and the account that enters it."""

    at: datetime
    account: str
    body: Body


@dataclass(slots=True)
class Walk:
    """A case that goes on deed by deed.

    Attributes:
        now: When the last deed was done.
        entered: When the deeds are entered; everything happened before.
        happened: What the deeds led to.
        others: Name → case of another story that deeds may name as ``{name}``.
    """

    case: Case
    edition: Edition
    cast: Cast
    rng: Random
    way: Way
    now: datetime
    entered: datetime
    deeds: list[Deed] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)
    others: Mapping[str, Case] = field(default_factory=dict)

    @property
    def hours(self) -> Hours:
        """Return the hours in which deeds are done."""
        return Hours(self.edition.calendar, self.rng)

    @property
    def rules(self) -> Rules:
        """Return the rules that the case stands under."""
        return self.edition.at(self.case.received_at)

    def to_the_end(self) -> list[Deed]:
        """Do what is owed, in the order in which it is due, and close the file.

        Raises:
            LookupError: What is owed waits for something that nobody does.
        """
        self._on(lambda ready: False)
        return self.deeds

    def until(self, step: str) -> None:
        """Do what is owed until a step is what comes next.

        Raises:
            LookupError: It never does.
        """
        if not self._on(lambda ready: bool(ready) and ready[0]["step"] == step):
            raise LookupError(f"The {self.case.kind} comes to no step '{step}'.")

    def take(self, step: str) -> None:
        """Take a step now, whatever else is due before it.

        Raises:
            LookupError: It cannot be taken.
        """
        found = [one for one in self._ready() if one["step"] == step]
        if not found:
            raise LookupError(f"The {self.case.kind} has no step '{step}' that could be taken now.")
        self._step(found[0])

    def do(self, do: str, hand: Hand, **fields: Any) -> None:  # noqa: ANN401  # whatever the command takes
        """Do something that no procedure asks for."""
        self._do(do, hand, account=self.cast.enters_for(self.case.unit, hand), **fields)

    def hear(self, envelope: Envelope) -> None:
        """Let the case follow what another service told of it."""
        self.case, told = follow(self.case, envelope, self.edition)
        self.happened += told
        self.now = max(self.now, envelope.time)

    def hand(self, named: str, *rights: str) -> Hand:
        """Return whose deed it is: a person, the nearest in a role, or the nearest who may."""
        people = self.cast.organisation.people
        if named in people:
            return Hand(named, people[named].role, people[named].unit)
        if named:
            return self._hand(roles=(named,))
        return self._hand(*rights)

    def wait(self, least_h: float, most_h: float) -> None:
        """Let some hours pass, to a moment in office hours where nothing is due before."""
        later = self.now + self.hours.some(least_h, most_h)
        dues = [clock.due for clock in self.case.clocks if clock.runs and clock.due > later]
        morning = self.hours.within(later)
        self.now = morning if all(morning < due - A_MOMENT for due in dues) else later

    # --- what comes next

    def _on(self, ends: Callable[[list[Allowed]], bool]) -> bool:
        """Go on deed by deed; return whether it ended where it should, and not with the file."""
        while self.case.is_live:
            if len(self.deeds) > MOST_DEEDS:
                raise LookupError(f"The {self.case.kind} goes in a circle.")
            offered = self._allowed("")
            ready = self._ready(offered)
            if ends(ready):
                return True
            if not self._next(offered, ready):
                break
        return False

    def _next(self, offered: list[Allowed], ready: list[Allowed]) -> bool:
        acts = {one["do"] for one in offered if not one["step"]}
        if "confirm-finding" in acts:
            self._confirm()
        elif self.way.refused and "refuse-result" in acts and not self._refused_before():
            self._refuse()
        elif ready:
            self._step(ready[0])
        elif any(one["step"] in self.way.skip for one in offered):
            return False
        elif "close" in acts or "resolve" in acts:
            do = "close" if "close" in acts else "resolve"
            self.wait(0.5, 3)
            self._do(do, self._hand(RIGHTS[do]), outcome="已办结")
        else:
            raise LookupError(f"The {self.case.kind} waits for {[one['step'] for one in offered]}.")
        return True

    def _allowed(self, role: str) -> list[Allowed]:
        everything = frozenset(right for one in self.rules.rights.roles.values() for right in one.rights)
        return allowed(self.case, self.edition, Actor(person="", unit="", role=role, rights=everything))

    def _ready(self, offered: list[Allowed] | None = None) -> list[Allowed]:
        """Return the steps that can be done: what is due first comes first, what resolves comes last.

        What has no limit of its own comes before what follows it in the procedure and has one.
        """
        offered = self._allowed("") if offered is None else offered
        steps = dict(self._steps())
        owed = [
            one
            for one in offered
            if one["step"] and one["step"] not in self.way.skip and not self._is_idle(steps[one["step"]])
        ]
        dues = self._dues(owed, steps)
        found = []
        for one in owed:
            for role in one["by"] or [""]:
                same = (
                    next(each for each in self._allowed(role) if each["step"] == one["step"]) if role else one
                )
                if same["why_not"] is None and not self._is_alternative(one["step"], owed, steps):
                    found.append(same)
                    break
        return sorted(
            found,
            key=lambda one: (
                steps[one["step"]].resolves and one["step"] not in self.way.instead,
                dues[one["step"]],
                one["step"] not in self.way.instead,
            ),
        )

    def _dues(self, owed: list[Allowed], steps: Mapping[str, Step]) -> dict[str, datetime]:
        """Return by when each step is done best: by its own limit, or else before what comes after it has to be."""
        far = self.now + _NEVER
        found, before = dict[str, datetime](), far
        own = self.rules.procedures.procedures[self.case.procedure].steps
        for one in reversed(owed):
            if one["due_before"] and one["step"] in self.way.late:
                found[one["step"]] = one["due_before"] + _LATE
            elif one["due_before"]:
                found[one["step"]] = one["due_before"]
                before = min(before, one["due_before"]) if one["step"] in own else before
            else:
                voided = (other for other in owed if one["step"] in steps[other["step"]].unless)
                dues = [other["due_before"] or far for other in voided]
                found[one["step"]] = min([before if one["step"] in own else far, *dues])
        return found

    def _steps(self) -> Iterator[tuple[str, Step]]:
        for procedure in self.rules.procedures.procedures.values():
            yield from procedure.steps.items()
        yield from self.rules.procedures.procedures[self.case.procedure].steps.items()

    def _is_idle(self, step: Step) -> bool:
        """Say whether a step is about works where there is nothing to mend: the matter is about no item."""
        tables = self.rules.limits.tables
        by_item = isinstance(step.within, TableUse) and all(
            tables[key].by == "item" for key in step.within.table
        )
        return not self.case.item and (by_item or step.done_by == "works-start")

    def _is_alternative(self, key: str, owed: list[Allowed], steps: Mapping[str, Step]) -> bool:
        """Say whether a step only makes others void that are still to be done; those are what is owed."""
        voids = any(key in steps[one["step"]].unless for one in owed)
        return voids and steps[key].within is None and key not in self.way.instead

    # --- deeds

    def _step(self, owed: Allowed) -> None:
        due = owed["due_before"]
        if owed["do"] == "make-finding" and due:
            due = min([due, *self._dues_once_found()])
        self._reach(owed["step"], due)
        step = dict(self._steps())[owed["step"]]
        needs = [one.partition(".") for one in owed["needs"]]
        fields: Body = {
            "evidence": {key: [f"file:{key}"] for name, _, key in needs if name == "evidence"},
            "signatures": {key: [f"signed:{key}"] for name, _, key in needs if name == "signatures"},
        }
        hand = self._hand(*owed["right"], roles=owed["by"])
        if "person" in owed["needs"]:
            fields["person"] = hand.person
        match owed["do"]:
            case "complete-step":
                fields |= {"step": owed["step"], "outcome": step.title.zh, "reason": "见附件"}
                if step.report:
                    elements = self.rules.procedures.reports[step.report].elements
                    fields["elements"] = [one for one in elements if one not in self.way.lacking]
            case "make-finding":
                hand, more = self._finding()
                fields |= more
            case "propose-settlement":
                fields |= self._terms()
            case "approve-settlement":
                hand = self._signer(*owed["right"])
            case "accept-result":
                fields |= {"standard_met": True, "outcome": "验收合格"}
        self._do(owed["do"], hand, **fields)

    def _finding(self) -> tuple[Hand, Body]:
        determined = self.rules.procedures.determinations.values()
        graded = self.rules.intake.kinds[self.case.kind].graded
        roles = {role for one in determined if one.of == "validity" or graded for role in one.proposes}
        validities = self.rules.procedures.validities
        presumed = next((key for key, one in validities.items() if one.presumed), next(iter(validities)))
        asked = any(step.when.liable for step in dict(self._steps()).values())
        liable = self.way.liable or (next(iter(self.rules.procedures.parties), "") if asked else "")
        fields = {
            "validity": self.way.validity or presumed,
            "reason": "经查证",
            "liable": liable,
            "grade": self.way.grade if graded else "",
        }
        return self._hand(RIGHTS["make-finding"], roles=roles), {
            key: value for key, value in fields.items() if value
        }

    def _dues_once_found(self) -> Iterator[datetime]:
        """Give by when the finding is due under a procedure that takes over with it."""
        for procedure in self.rules.procedures.procedures.values():
            for step in procedure.steps.values() if self.way.validity in procedure.applies.validity else ():
                if (
                    step.done_by == "finding"
                    and isinstance(step.within, Limit)
                    and step.after == ("receipt",)
                ):
                    yield due_before(step.within, self.case.received_at, self.edition.calendar).due_before

    def _confirm(self) -> None:
        finding = self.case.findings[-1]
        roles = {
            role for key in finding.awaits for role in self.rules.procedures.determinations[key].confirms
        }
        self.wait(0.5, 4)
        hand = self._hand(RIGHTS["confirm-finding"], roles=roles, not_by=(finding.by,))
        self._do("confirm-finding", hand, agrees=True)

    def _refused_before(self) -> bool:
        return any(deed.body["do"] == "refuse-result" for deed in self.deeds)

    def _refuse(self) -> None:
        self.wait(2, 20)
        self._do("refuse-result", self._hand(RIGHTS["refuse-result"]), reason="复验仍不合格，拒绝验收")

    def _terms(self) -> Body:
        key = self.way.way or next(iter(self.rules.procedures.ways))
        way = self.rules.procedures.ways[key]
        fields: Body = {"way": key, "owner_consents": way.needs_consent, "reason": "双方同意"}
        if way.has_amount:
            fields["amount"] = self.way.amount
            if way.payer == "contractor-deposit":
                fields["deposit"] = self.way.amount * 4 if self.way.deposit is None else self.way.deposit
        return fields

    def _signer(self, *rights: str) -> Hand:
        settlement = self.case.settlement
        if settlement is None:
            raise LookupError(f"The {self.case.kind} has no settlement that anybody could sign.")
        left = to_sign(settlement, self.rules.procedures.ways[settlement.way])
        signed = (settlement.by, *(one.by for one in settlement.approvals))
        return self._hand(*rights, roles=left[:1], not_by=signed)

    def _hand(self, *rights: str, roles: Any = (), not_by: Any = ()) -> Hand:  # noqa: ANN401  # as Cast.hand has it
        return self.cast.hand(self.case.unit, *rights, roles=roles, not_by=not_by)

    def _do(self, do: str, hand: Hand, *, account: str = "", **fields: Any) -> None:  # noqa: ANN401  # whatever the command takes
        acting = {"person": hand.person, "role": hand.role, "unit": hand.unit}
        given = {key: value for key, value in fields.items() if value not in ("", None, {})}
        body = {"do": do, "at": self.now, "acting_for": acting, **given}
        account = account or self.cast.importer(self.case.unit)
        self.enter(body, account)
        self.deeds.append(Deed(self.now, account, body))

    def enter(self, body: Body, account: str = "") -> None:
        """Let handling decide a command as it will when the deed is entered."""
        named = {f"{{{name}}}": case for name, case in self.others.items()}
        other = named.get(body["into"]) if "into" in body else None
        command = parse_command({**body, "into": str(other.complaint_id)} if other else body)
        by = self.cast.actor(account or self.cast.importer(self.case.unit))
        self.case, told = decide(self.case, command, by, self.edition, self.entered, other, self.cast.within)
        self.happened += told

    # --- time

    def _reach(self, step: str, due: datetime | None) -> None:
        """Move on to when a step is done: inside its limit, or after it where it is to be late."""
        if due is None:
            running = [clock.due for clock in self.case.clocks if clock.runs and clock.due > self.now]
            spare_h = min((one - self.now for one in running), default=_A_DAY) / timedelta(hours=1)
            self.wait(min(0.3, spare_h / 50), min(_MOST_H, spare_h / 6))
        elif step in self.way.late:
            self.now = self.hours.within(max(due, self.now) + self.hours.some(3, _LATE / timedelta(hours=1)))
        elif due > self.now:
            self.now = self.hours.between(self.now, due)
        else:
            self.wait(0.1, 0.5)
        self.now = self.now.replace(microsecond=0)
