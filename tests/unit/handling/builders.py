"""Cases to tell stories about, under the rulebooks of the repository or a small one made by hand."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, TypeVar
from uuid import UUID

from services.handling import domain
from services.handling.domain import Actor, Case
from services.handling.domain.evolve import begun, fold
from shared.events import Envelope, Event, Happened
from shared.events.handling import DeadlineCleared, DeadlineMissed
from shared.events.intake import ComplaintRegistered
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.steps import CaseRules
from tests.builders_rules import an_edition as the_edition

E = TypeVar("E", bound=Event)
CHINA = timezone(timedelta(hours=8))
LATER = datetime(2027, 1, 31, tzinfo=UTC)
"""The present moment of a story whose commands say when they happened."""

COMPLAINT = UUID("5b0e2c56-8f0b-5c0a-9c39-0d2d5c8a7a11")


def on(text: str) -> datetime:
    """Read a local moment of 2026: ``07-02 08:00``, with seconds where they matter."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=CHINA)


def shown(moment: datetime | None) -> str:
    """Write a moment as ``on`` reads it."""
    return moment.astimezone(CHINA).strftime("%m-%d %H:%M") if moment else "-"


def an_actor(
    role: str, person: str = "", unit: str = "chongqing-branch", edition: Edition | None = None
) -> Actor:
    roles = (edition or the_edition()).on(date(2026, 7, 1)).rights.roles
    rights = frozenset(roles[role].rights) if role in roles else frozenset[str]()
    sees_all = role in roles and roles[role].sees_all
    return Actor(person=person or role, unit=unit, role=role, rights=rights, sees_all=sees_all)


def a_registration(**fields: object) -> Envelope:
    """A registered complaint as intake tells it; by default a general one of Wednesday 1 July 2026 at 9.

    ``received`` and ``registered`` are moments as ``on`` reads them; anything else is a field of the event.
    """
    received = str(fields.pop("received", "07-01 09:00"))
    registered = str(fields.pop("registered", received))
    data = {
        "complaint_id": str(COMPLAINT),
        "number": "CQ-202607-000001",
        "site": "chongqing",
        "unit": "chongqing-branch",
        "kind": "complaint",
        "class_": "general",
        "channel": "visit",
        "received_at": on(received).isoformat(),
        "registered_at": on(registered).isoformat(),
        "registered_by": "first-taker",
        "complete": True,
        "customer": "customer-1",
        "sealed": {"key": "k", "box": "b"},
        "command_key": "key-1",
        **fields,
    }
    return an_envelope("complaint.registered.v1", data, at=on(registered))


def an_envelope(kind: str, data: Mapping[str, Any], at: datetime) -> Envelope:
    return Envelope(
        id=UUID(int=1),
        source="jiandu/intake/chongqing/1",
        type=kind,
        subject=str(COMPLAINT),
        time=at,
        group="jinke",
        unit="chongqing-branch",
        ordinal=1,
        recordedtime=at,
        correlationid="c",
        data=dict(data),
    )


_WHO = {
    "approve-settlement": "company-leader",
    "extend": "company-leader",
    "except-report": "company-leader",
    "pause": "company-leader",
    "transfer": "branch-head",
    "lodge-appeal": "branch-head",
    "decide-appeal": "centre-director",
}
_WHERE = {"company-leader": "chongqing", "centre-director": "group"}


def as_told(case: Case) -> Case:
    """Return a case without what no event tells: up to when silence was judged, and what was answered."""
    return case.with_(settled_up_to=case.received_at, commands=())


class Story:
    """A case and everything that was told of it, in order."""

    def __init__(self, registration: Envelope, edition: Edition | None = None) -> None:
        self.edition = edition or the_edition()
        self.decisions: list[list[Happened]] = []
        told = ComplaintRegistered.model_validate(registration.data)
        self.law = CaseRules.of(self.edition, told.received_at)
        self.case = begun(told, self.edition, self.law)
        self.take(domain.open_case(registration, self.edition))
        self.other: Case | None = None

    def take(self, decided: tuple[Case, list[Happened]], *heard: Happened) -> list[Happened]:
        """Go on with the case as a decision left it. Returns what it told.

        In every story of these tests the case is the fold of what was told of it (see ``test_evolve``).

        Args:
            heard: What another service told, where that changes the case by itself.
        """
        case, told = decided
        assert as_told(fold(self.case, (*heard, *told), self.law)) == as_told(case)
        self.case = case
        self.decisions.append(told)
        return told

    @property
    def happened(self) -> list[Happened]:
        """Everything that was told, in order."""
        return [one for told in self.decisions for one in told]

    def do(self, kind: str, at: str, by: Actor | None = None, **fields: object) -> list[str]:
        """Command the case as who usually does so. Returns the types of what was told.

        ``class_`` is sent as ``class``, which is no name that an argument may have.
        """
        role = _WHO.get(kind, "branch-officer")
        who = by or an_actor(role, unit=_WHERE.get(role, "chongqing-branch"), edition=self.edition)
        said = {name.rstrip("_"): value for name, value in fields.items()}
        command = domain.parse_command({"do": kind, "at": on(at).isoformat(), **said})
        told = self.take(domain.decide(self.case, command, who, self.edition, LATER, self.other))
        return [item.event.TYPE for item in told]

    def step(self, name: str, at: str, by: Actor | None = None, **fields: object) -> list[str]:
        """Complete a step."""
        return self.do("complete-step", at, by, step=name, **fields)

    def find(self, at: str, by: Actor | None = None, **fields: object) -> list[str]:
        """Make a finding, valid unless said otherwise."""
        return self.do("make-finding", at, by, **{"validity": "valid", "reason": "as established", **fields})

    def merge(self, at: str, other: Case) -> list[str]:
        """Let the case go on inside another."""
        self.other = other
        return self.do("merge", at, into=str(other.complaint_id), reason="the same crack")

    def sweep(self, up_to: str) -> list[str]:
        """Settle silence, as the sweep does. Returns what was told, as ``clock#run due``."""
        return verdicts(self.take(domain.settle(self.case, self.edition, on(up_to))))

    def told(self, kind: type[E]) -> list[E]:
        """Return every event of a kind, in order."""
        return [item.event for item in self.happened if isinstance(item.event, kind)]

    def last(self, kind: type[E]) -> E:
        """Return the newest event of a kind."""
        return self.told(kind)[-1]

    @property
    def missed(self) -> list[str]:
        """The misses that stand, as ``clock#run due``, the latest verdict on each deciding."""
        return sorted(standing(self.happened))

    def due(self, clock: str) -> str:
        """Return when a clock is due."""
        found = self.case.clock(clock)
        return shown(found.due if found else None)


def verdicts(told: Iterable[Happened]) -> list[str]:
    marks = {DeadlineMissed: "", DeadlineCleared: "cleared "}
    return [
        f"{marks[type(item.event)]}{item.event.clock}#{item.event.occurrence} {shown(item.event.due_before)}"
        for item in told
        if isinstance(item.event, DeadlineMissed | DeadlineCleared)
    ]


def standing(told: Iterable[Happened]) -> set[str]:
    latest: dict[tuple[str, int], Event] = {}
    for item in told:
        if isinstance(item.event, DeadlineMissed | DeadlineCleared):
            latest[item.event.clock, item.event.occurrence] = item.event
    return {
        f"{clock}#{run} {shown(event.due_before)}"
        for (clock, run), event in latest.items()
        if isinstance(event, DeadlineMissed)
    }


def a_story(**registration: object) -> Story:
    return Story(a_registration(**registration))


OTHER = UUID("0e7d4b52-5f0a-5e0e-8a3e-7d1f6f0c1c22")


def another_case(**registration: object) -> Case:
    """The case that another may go on inside: of the same branch, and received an hour before it."""
    told = {"complaint_id": str(OTHER), "number": "CQ-202607-000002", "received": "07-01 08:00"}
    return a_story(**{**told, **registration}).case


def an_engineering_story(until: str = "rectify", item: str = "lift") -> Story:
    """A general engineering complaint, handled in time up to and with a step.

    Received 1 July 09:00; facts 2 July 08:00, plan 3 July 07:00, notice 4 July 06:00, rectified 8 July 05:00.
    """
    story = a_story(class_="general-engineering", item=item)
    if until == "receipt":
        return story
    story.find("07-02 08:00")
    if until == "facts":
        return story
    story.step("plan", "07-03 07:00", evidence={"rectification-plan": "f1"})
    if until == "plan":
        return story
    story.step("notice", "07-04 06:00", evidence={"rectification-notice": "f2"})
    if until == "notice":
        return story
    story.step("rectify", "07-08 05:00", person="engineer")
    return story


ACCEPTED: dict[str, Any] = {
    "standard_met": True,
    "evidence": {"acceptance-sheet": "f3"},
    "signatures": {"owner": "f3"},
}
AGREED: dict[str, Any] = {"evidence": {"agreement": "f4"}, "signatures": {"owner": "f4"}}
IN_LIEU: dict[str, Any] = {
    **AGREED,
    "way": "payment-in-lieu",
    "amount": "8000",
    "reason": "rectification would damage the finish",
    "owner_consents": True,
}
ALL_ELEMENTS = ["customer", "background", "cause", "process", "progress", "support"]


def an_edition(procedures: Mapping[str, Any], base: str = "general", **topics: Mapping[str, Any]) -> Edition:
    """A rulebook made by hand: the general one with other procedures, for words that no group here uses."""
    real = the_edition(base)
    plain = real.on(date(2026, 7, 1)).model_dump(by_alias=True, exclude_none=True)
    plain["procedures"] = procedures
    for topic, changed in topics.items():
        plain[topic] = {**plain[topic], **changed}
    return replace(real, name="by-hand", slices=((date(2020, 1, 1), Rules.model_validate(plain)),))


def a_rule(source: str = "QS-06", **fields: object) -> dict[str, object]:
    """The head that every entry of a rulebook has."""
    return {"from": "2020-01-01", "source": source, "title": {"zh": "条目", "en": "entry"}, **fields}


def a_step(**fields: object) -> dict[str, object]:
    """A step of a rulebook made by hand."""
    return {"title": {"zh": "步骤", "en": "step"}, **fields}
