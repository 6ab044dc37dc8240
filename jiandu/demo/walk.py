"""One matter on its way through whatever procedure a rulebook names, from its receipt to the closed file.

What may come next, until when and with which papers is asked of handling's own decisions, so a walk knows no
regulation. Pure: the same rulebook and chance give the same deeds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from jiandu.demo.cast import Cast, Hand
from services.handling.domain import RIGHTS, Actor, Allowed, Case, allowed, decide, parse_command
from services.handling.domain.commands.settlement import to_sign
from shared.events import Happened
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.procedures import Step

Body = dict[str, Any]

MOST_DEEDS = 60
"""A walk that takes more goes in a circle."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a matter goes.

    Attributes:
        validity: What it is found to be; the presumed validity where it is empty.
        grade: Grade that is found.
        liable: Who is found liable, where the procedure asks.
        way: How it is settled, where it is settled.
        late: Steps whose deadline passes first.
        instead: Steps without a limit that make others void and are taken all the same.
    """

    validity: str = ""
    grade: str = ""
    liable: str = ""
    way: str = ""
    amount: int = 500
    late: frozenset[str] = frozenset()
    instead: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deed:
    """A command on the case, and when it was done."""

    at: datetime
    body: Body


@dataclass(slots=True)
class Walk:
    """A case that goes on deed by deed.

    Attributes:
        importer: Who enters the deeds.
        now: When the last deed was done.
        entered: When the deeds are entered; everything happened before.
        happened: What the deeds led to.
    """

    case: Case
    edition: Edition
    cast: Cast
    importer: Actor
    rng: Random
    way: Way
    now: datetime
    entered: datetime
    deeds: list[Deed] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)

    @property
    def rules(self) -> Rules:
        """Return the rules that the case stands under."""
        return self.edition.at(self.case.received_at)

    def to_the_end(self) -> list[Deed]:
        """Do what is owed, in the order in which it is due, and close the file.

        Raises:
            LookupError: What is owed waits for something that nobody does.
        """
        while self.case.is_live:
            if len(self.deeds) > MOST_DEEDS:
                raise LookupError(f"The {self.case.kind} goes in a circle.")
            self._next()
        return self.deeds

    def _next(self) -> None:
        acts = {one["do"] for one in self._allowed("") if not one["step"]}
        if "confirm-finding" in acts:
            self._confirm()
        elif ready := self._ready():
            self._step(ready[0])
        elif "close" in acts or "resolve" in acts:
            do = "close" if "close" in acts else "resolve"
            self._wait(0.5, 3)
            self._do(do, self._hand(RIGHTS[do]), outcome="已办结")
        else:
            raise LookupError(f"The {self.case.kind} waits for {[one['step'] for one in self._allowed('')]}.")

    def _allowed(self, role: str) -> list[Allowed]:
        everything = frozenset(right for one in self.rules.rights.roles.values() for right in one.rights)
        return allowed(self.case, self.edition, Actor(person="", unit="", role=role, rights=everything))

    def _ready(self) -> list[Allowed]:
        """Return the steps that can be done: what is due first comes first, what resolves comes last."""
        owed = [one for one in self._allowed("") if one["step"]]
        steps = dict(self._steps())
        found = []
        for one in owed:
            for role in one["by"] or [""]:
                same = next(each for each in self._allowed(role) if each["step"] == one["step"])
                if same["why_not"] is None and not self._is_alternative(one["step"], steps):
                    found.append(same)
                    break
        far = self.now + timedelta(days=3650)
        return sorted(
            found,
            key=lambda one: (steps[one["step"]].resolves, one["due_before"] or far),
        )

    def _steps(self) -> Iterator[tuple[str, Step]]:
        for procedure in self.rules.procedures.procedures.values():
            yield from procedure.steps.items()
        yield from self.rules.procedures.procedures[self.case.procedure].steps.items()

    def _is_alternative(self, key: str, steps: Mapping[str, Step]) -> bool:
        voids = any(key in one.unless for one in steps.values())
        return voids and steps[key].within is None and key not in self.way.instead

    def _step(self, owed: Allowed) -> None:
        self._reach(owed["step"], owed["due_before"])
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
                    fields["elements"] = list(self.rules.procedures.reports[step.report].elements)
            case "make-finding":
                hand, more = self._finding()
                fields |= more
            case "propose-settlement":
                way = self.rules.procedures.ways[self._settled()]
                fields |= {"way": self._settled(), "owner_consents": way.needs_consent, "reason": "双方同意"}
                fields |= {"amount": self.way.amount} if way.has_amount else {}
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

    def _confirm(self) -> None:
        finding = self.case.findings[-1]
        roles = {
            role for key in finding.awaits for role in self.rules.procedures.determinations[key].confirms
        }
        self._wait(0.5, 4)
        hand = self._hand(RIGHTS["confirm-finding"], roles=roles, not_by=(finding.by,))
        self._do("confirm-finding", hand, agrees=True)

    def _settled(self) -> str:
        return self.way.way or next(iter(self.rules.procedures.ways))

    def _signer(self, *rights: str) -> Hand:
        settlement = self.case.settlement
        if settlement is None:
            raise LookupError(f"The {self.case.kind} has no settlement that anybody could sign.")
        left = to_sign(settlement, self.rules.procedures.ways[settlement.way])
        signed = (settlement.by, *(one.by for one in settlement.approvals))
        return self._hand(*rights, roles=left[:1], not_by=signed)

    def _hand(self, *rights: str, roles: Any = (), not_by: Any = ()) -> Hand:  # noqa: ANN401  # as Cast.hand has it
        return self.cast.hand(self.case.unit, *rights, roles=roles, not_by=not_by)

    def _reach(self, step: str, due: datetime | None) -> None:
        """Move on to when a step is done: inside its limit, or after it where it is to be late."""
        if due is None:
            self._wait(0.3, 4)
        elif step in self.way.late:
            self.now = max(due, self.now) + self._some(3, 30)
        elif due > self.now:
            self.now += (due - self.now) * self.rng.uniform(0.1, 0.6)
        else:
            self._wait(0.1, 0.5)
        self.now = self.now.replace(microsecond=0)

    def _wait(self, least_h: float, most_h: float) -> None:
        self.now += self._some(least_h, most_h)

    def _some(self, least_h: float, most_h: float) -> timedelta:
        return timedelta(minutes=round(self.rng.uniform(least_h, most_h) * 60))

    def _do(self, do: str, hand: Hand, **fields: Any) -> None:  # noqa: ANN401  # whatever the command takes
        acting = {"person": hand.person, "role": hand.role, "unit": hand.unit}
        given = {key: value for key, value in fields.items() if value not in ("", None, {})}
        body = {"do": do, "at": self.now, "acting_for": acting, **given}
        self.enter(body)
        self.deeds.append(Deed(self.now, body))

    def enter(self, body: Body) -> None:
        """Let handling decide a command as it will when the deed is entered."""
        command = parse_command(body)
        self.case, told = decide(self.case, command, self.importer, self.edition, self.entered)
        self.happened += told
