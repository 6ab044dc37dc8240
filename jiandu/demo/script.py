"""What is entered: calls, each with the time at which its deed happened, and the course of one complaint.

Pure. Deadlines come from the rulebook, so a deed is on time or late as the rulebook has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from random import Random
from typing import Any, Literal

from jiandu.demo.texts import Owner, words
from shared.rulebook.edition import Edition
from shared.rulebook.schema.procedures import TableUse
from shared.timekeeping.limits import Moment, due_before

Service = Literal["intake", "handling", "callback", "scoring"]
Hand = tuple[str, str]
"""Whose deed it was: the person's name without that of the site, and the role."""

OFFICER: Hand = ("officer-1", "branch-officer")
SECOND: Hand = ("officer-2", "branch-officer")
HEAD: Hand = ("head", "branch-head")
LEADER: Hand = ("leader", "company-leader")
PROPERTY: Hand = ("property-officer", "property-officer")
DIRECTOR: Hand = ("director", "centre-director")

GROUP_IMPORTER = "importer-group"
_OPENS, _CLOSES = time(8, 30), time(20, 30)
_A_MOMENT = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call.

    Attributes:
        at: When the deed happened that it enters.
        about: Name of the complaint whose id stands for ``{case}`` in the path. Its registration gives it.
            ``{customer}`` stands for the id of who complained, and ``{name}`` as a value in the body for the id
            of another complaint of the story.
        rule: Rule of the posting whose id stands for ``{posting}`` in the path.
        key: Idempotency key. The same in every play of the same scenario, so repeating it is safe.
        early: Codes of refusals that only say that something is still on its way through the broker.
    """

    at: datetime
    service: Service
    site: str
    account: str
    path: str
    body: Mapping[str, Any]
    key: str
    about: str = ""
    rule: str = ""
    early: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Story:
    """Calls that go in order: one complaint, or several that meet."""

    name: str
    site: str
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Matter:
    """What an owner comes with. ``family`` and ``subject`` choose the words; see ``texts``."""

    kind: str
    class_: str
    family: str
    subject: str
    channel: str = "visit"
    item: str = ""
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class Course:
    """One complaint on its way. Each method adds what is done next, at the moment at which it is done.

    Attributes:
        now: When the last deed happened; at first, the receipt.
        late: Steps whose deadline passes before they are done.
        procedure: Procedure that it follows now.
        dissatisfied: The last callback re-opened the case.
        since: When each step was done; deadlines count from there.
    """

    name: str
    site: str
    edition: Edition
    rng: Random
    matter: Matter
    now: datetime
    late: frozenset[str] = frozenset()
    procedure: str = ""
    item: str = field(init=False)
    received_at: datetime = field(init=False)
    dissatisfied: bool = False
    since: dict[str, datetime] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin at the receipt."""
        self.received_at, self.item = self.now, self.matter.item
        self.since["receipt"] = self.now

    @property
    def importer(self) -> str:
        """Account that enters what the site did."""
        return f"{self.site}-importer"

    def person(self, hand: Hand) -> str:
        """Return the person behind a hand."""
        return f"{self.site}-{hand[0]}"

    # --- time

    def due(self, step: str, since: datetime, procedure: str = "") -> datetime:
        """Return when a step that counts from ``since`` is too late, by the rulebook of the day of receipt."""
        rules = self.edition.at(self.received_at)
        within = rules.procedures.procedures[procedure or self.procedure].steps[step].within
        if isinstance(within, TableUse):
            (name,) = within.table
            within = rules.limits.tables[name].rows[self.item].limit
        if within is None:
            raise ValueError(f"{self.procedure}.{step} has no limit")
        return due_before(within, since, self.edition.calendar, self._moments()).due_before

    def _moments(self) -> tuple[Moment, ...]:
        handover = self.since.get("handover")
        return (Moment(name="handover", at=handover),) if handover else ()

    def reach(self, step: str, since: datetime | None = None, procedure: str = "") -> None:
        """Move on to the moment at which a step with a limit is done: inside it, or after it if it is late."""
        start = since or self.now
        due = self.due(step, start, procedure)
        if step in self.late:
            self.now = self.in_hours(max(due, self.now) + self._some(3, 30))
        elif due - self.now <= 2 * _A_MOMENT:
            self.now += (due - self.now) / 2
        else:
            self.now = self._between(self.now, due)
        self.since[step] = self.now

    def wait(self, least_h: float, most_h: float) -> None:
        """Let some hours pass, to a moment in office hours."""
        self.now = self.in_hours(self.now + self._some(least_h, most_h))

    def _some(self, least_h: float, most_h: float) -> timedelta:
        return timedelta(minutes=round(self.rng.uniform(least_h, most_h) * 60))

    def _between(self, start: datetime, due: datetime) -> datetime:
        """Choose a moment before ``due``, in office hours where there are any."""
        chosen = start + timedelta(seconds=round((due - start).total_seconds() * self.rng.uniform(0.15, 0.7)))
        if self._is_office(chosen):
            return chosen
        for moment in (self.in_hours(chosen), self._evening_before(chosen)):
            if start + _A_MOMENT / 4 < moment < due - _A_MOMENT:
                return moment
        return chosen

    def _is_office(self, moment: datetime) -> bool:
        return _OPENS <= self.local(moment).time() <= _CLOSES

    def in_hours(self, moment: datetime) -> datetime:
        """Return the moment, or else the next morning."""
        local = self.local(moment)
        if self._is_office(moment):
            return moment
        day = local.date() if local.time() < _OPENS else local.date() + timedelta(days=1)
        return self.edition.calendar.at(day, _OPENS) + self._some(0, 1.5)

    def _evening_before(self, moment: datetime) -> datetime:
        local = self.local(moment)
        day = local.date() if local.time() > _CLOSES else local.date() - timedelta(days=1)
        return self.edition.calendar.at(day, _CLOSES) - self._some(0, 1.5)

    def local(self, moment: datetime) -> datetime:
        """Return a moment on the group's own clock."""
        return moment.astimezone(self.edition.calendar.zone)

    # --- calls

    def call(
        self,
        service: Service,
        path: str,
        body: Mapping[str, Any],
        *,
        account: str = "",
        rule: str = "",
        early: frozenset[str] = frozenset(),
    ) -> None:
        """Add a call at the present moment."""
        self.calls.append(
            Call(
                at=self.now,
                service=service,
                site=self.site,
                account=account or self.importer,
                path=path,
                body=body,
                key=f"{self.name}/{len(self.calls) + 1}",
                about=self.name,
                rule=rule,
                early=early,
            )
        )

    def register(
        self,
        who: Owner,
        *,
        after_h: tuple[float, float] = (0.1, 1.5),
        without: frozenset[str] = frozenset(),
        handover_on: datetime | None = None,
    ) -> None:
        """Register the complaint.

        Args:
            after_h: Hours from receipt to registration, at least and at most.
            without: Fields that the record lacks.
        """
        matter = self.matter
        said, demand = words(matter.family, matter.subject, who, self.rng)
        offered = {
            "name": who.name,
            "phone": who.phone,
            "words": said,
            "address": who.address,
            "project": who.project,
            "demand": demand,
            "first-taker": self.person(self.rng.choice((OFFICER, SECOND))),
            "contract": who.contract,
            "notice-of": said[:3],
            "letter-kind": matter.subject,
        }
        forms = self.edition.at(self.received_at).intake.forms.values()
        form = next(form for form in forms if matter.kind in form.kinds)
        self.now += self._some(*after_h)
        body: dict[str, Any] = {
            "unit": f"{self.site}-branch",
            "kind": matter.kind,
            "channel": matter.channel,
            "fields": {
                name: offered[name] for name in form.fields if name in offered and name not in without
            },
            "received_at": self.received_at,
            "registered_at": self.now,
        }
        optional = {
            "class": matter.class_,
            "item": matter.item,
            "flags": list(matter.flags),
            "handover_on": handover_on,
            "handed_over_by": self.person(PROPERTY) if matter.channel == "property-company" else "",
        }
        body |= {name: value for name, value in optional.items() if value}
        if handover_on:
            self.since["handover"] = handover_on
        self.call("intake", "/v1/complaints", body)

    def amend(self, at: datetime, reason: str, **fields: str) -> None:
        """Fill in fields of the record."""
        self.now = max(self.now, at)
        body = {"fields": fields, "reason": reason, "at": self.now}
        self.call("intake", "/v1/complaints/{case}/amendments", body)

    def do(self, deed: str, hand: Hand = OFFICER, *, account: str = "", **fields: Any) -> None:  # noqa: ANN401  # whatever the command takes
        """Command the case, for the person whose deed it was."""
        person = hand[0] if hand[1] in _AT_GROUP else self.person(hand)
        acting = {"person": person, "role": hand[1]}
        given = {name.rstrip("_"): value for name, value in fields.items() if value not in ("", None)}
        body = {"do": deed, "at": self.now, "acting_for": acting, **given}
        early = _NOT_REOPENED_YET if self.dissatisfied else frozenset[str]()
        self.call("handling", "/v1/cases/{case}/commands", body, account=account, early=early)

    def step(self, step: str, hand: Hand = OFFICER, **fields: Any) -> None:  # noqa: ANN401  # whatever the command takes
        """Complete a step of the procedure."""
        self.do("complete-step", hand, step=step, **fields)

    def paper(self, kind: str) -> dict[str, list[str]]:
        """Return a piece of evidence."""
        return {kind: [f"file:{self.name}/{kind}"]}

    def attempt(self, outcome: str, satisfaction: int = 0, opinion: str = "") -> None:
        """Call the owner back."""
        body: dict[str, Any] = {"at": self.now, "outcome": outcome}
        if satisfaction:
            body |= {"satisfaction": satisfaction, "solved": satisfaction > _DISSATISFIED}
            if opinion:
                body["answers"] = {"opinion": opinion}
        if outcome == "call-back-at":
            body["call_back_at"] = self.now + timedelta(hours=20)
        self.call("callback", "/v1/tasks/{case}/attempts", body, early=_NOT_CLOSED_YET)
        self.dissatisfied = 0 < satisfaction <= _DISSATISFIED


_DISSATISFIED = 2
_NOT_CLOSED_YET = frozenset({"not-closed-then", "task-done"})
_NOT_REOPENED_YET = frozenset({"case-over"})
_AT_GROUP = frozenset({"centre-director", "supervisor"})


def story(name: str, site: str, before: datetime, *courses: Course) -> Story:
    """Bind courses into one story, in order of time; what would happen at or after ``before`` is left out."""
    calls = [call for course in courses for call in course.calls if call.at < before]
    return Story(name, site, tuple(sorted(calls, key=lambda call: call.at)))
