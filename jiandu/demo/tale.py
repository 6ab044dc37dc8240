"""One matter told to its end: its registration, the deeds of its walk and its turns, and the calls to its customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from jiandu.demo.group import Group
from jiandu.demo.habits.stories import Do, Enter, TakeStep, Turn, Until, Wait
from jiandu.demo.interviews import dissatisfied, interviews
from jiandu.demo.matter import Matter, moment
from jiandu.demo.scenario import Call, Service, Story
from jiandu.demo.walk import Walk
from services.handling.domain import RIGHTS, Case, open_case
from services.intake.domain.complaints import Submission, examine, reported
from shared.events import Envelope, Event, Sealed, event_id, source_of
from shared.events.intake import ComplaintRegistered

_NOT_CLOSED_YET = frozenset({"not-closed-then", "task-done"})
_NOT_REOPENED_YET = frozenset({"case-over"})
"""Refusals that only say that a closing, or a re-opening, is still on its way."""


@dataclass(slots=True)
class Tale:
    """One matter that is told.

    Attributes:
        others: Name → tale of the same story that was told before.
    """

    group: Group
    matter: Matter
    others: Mapping[str, "Tale"] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    opened: Case = field(init=False)
    walk: Walk = field(init=False)
    rng: Random = field(init=False)
    is_reopened: bool = False
    deeds_entered: int = 0

    def __post_init__(self) -> None:
        """Register it, so that it can be told."""
        self.rng = self.group.rng(f"{self.matter.name}/way")
        self._register()

    @property
    def _id(self) -> UUID:
        return uuid5(NAMESPACE_URL, f"{self.group.edition.group}/{self.matter.name}")

    def story(self, *more: "Tale") -> Story:
        """Return the calls of this and other tales in order of time, as far as the time that is played."""
        calls = [call for tale in (self, *more) for call in tale.calls if call.at < self.group.before]
        return Story(self.matter.name, self.calls[0].site, tuple(sorted(calls, key=lambda call: call.at)))

    def tell(self) -> None:
        """Walk it through its turns and to its end."""
        for turn in self.matter.turns:
            self._turn(turn)
        if self.matter.ends:
            self.walk.to_the_end()
            self._interview()
        self._enter_deeds()

    def _enter_deeds(self) -> None:
        """Turn the deeds of the walk into calls."""
        early = _NOT_REOPENED_YET if self.is_reopened else frozenset[str]()
        path = "/v1/cases/{case}/commands"
        for deed in self.walk.deeds[self.deeds_entered :]:
            self._call("handling", path, deed.at, deed.body, account=deed.account, early=early)
        self.deeds_entered = len(self.walk.deeds)

    def _interview(self) -> None:
        """Call the customer; who is dissatisfied has the matter taken up again, and is called once more."""
        planned = self.matter.calls
        while planned:
            taken_up = False
            for at, body, reopens in interviews(self.walk, planned, self.rng):
                planned, taken_up = planned[1:], reopens
                account = self.group.cast.importer(self.walk.case.unit)
                path = "/v1/tasks/{case}/attempts"
                self._call("callback", path, at, body, account=account, early=_NOT_CLOSED_YET)
                if reopens:
                    self._enter_deeds()
                    self._take_up(at, body)
            if not taken_up:
                return

    def _take_up(self, at: datetime, body: Mapping[str, Any]) -> None:
        by = body["acting_for"]["person"]
        self.walk.hear(self._envelope("callback", dissatisfied(self.walk, at, body["satisfaction"], by), at))
        self.is_reopened = True
        self.walk.to_the_end()

    # --- its registration

    def _register(self) -> None:
        matter, group = self.matter, self.group
        taker = group.cast.importer(matter.desk or matter.unit)
        said = Submission(
            kind=matter.kind,
            channel=matter.channel,
            fields=matter.fields,
            class_=matter.class_,
            item=matter.item,
            flags=matter.flags,
            received_at=matter.received_at,
            registered_at=matter.registered_at,
            handover_on=matter.handover_on,
            service=matter.service,
            about_unit=matter.unit if matter.desk else "",
        )
        body: dict[str, Any] = {
            "unit": matter.desk or matter.unit,
            "fields": dict(said.fields),
            "received_at": said.received_at,
            "registered_at": said.registered_at,
        }
        more = {**reported(said), "flags": list(said.flags), **matter.registered}
        body |= {key.removesuffix("_"): value for key, value in more.items() if value}
        self._call("intake", "/v1/complaints", matter.registered_at, body, account=taker)
        self._open(said, taker)

    def _open(self, said: Submission, taker: str) -> None:
        """Open the case as handling will, and begin its walk."""
        matter, group = self.matter, self.group
        examined = examine(said, group.edition.at(matter.received_at), group.entered)
        at = matter.desk or matter.unit
        event = ComplaintRegistered(
            complaint_id=self._id,
            number=matter.name,
            site=group.site(at),
            unit=at,
            received_at=examined.received_at,
            registered_at=examined.registered_at,
            registered_by=group.cast.organisation.accounts[taker].person,
            complete=not examined.missing,
            missing=examined.missing,
            customer=matter.name,
            imported=True,
            sealed=Sealed(key="k", box="b"),
            command_key=matter.name,
            tier=examined.tier,
            grade=examined.grade,
            **reported(said),
        )
        case, _ = open_case(self._envelope("intake", event, examined.registered_at), group.edition)
        grade, late = matter.way.grade or examined.grade, matter.way.late or self._late(case)
        way = replace(matter.way, grade=grade, late=late)
        others = {name: tale.opened for name, tale in self.others.items()}
        self.opened = case
        self.walk = Walk(
            case, group.edition, group.cast, self.rng, way, case.registered_at, group.entered, others=others
        )

    def _late(self, case: Case) -> frozenset[str]:
        steps = self.group.rules.procedures.procedures[case.procedure].steps
        timed = [key for key, one in steps.items() if one.within]
        if self.matter.late_by == "lapse":
            timed = [key for key in timed if not steps[key].report and not steps[key].unless]
            timed = [key for key in timed if not (steps[key].when.way or steps[key].when.liable)]
        is_late = self.matter.late_by and timed
        return frozenset({self.rng.choice(timed)}) if is_late else frozenset()

    def _envelope(self, service: str, event: Event, at: datetime) -> Envelope:
        group, subject = self.group, str(self._id)
        source = source_of(service, self.calls[0].site)
        return Envelope(
            id=event_id(source, subject, 1),
            source=source,
            type=event.TYPE,
            subject=subject,
            time=at,
            recordedtime=at,
            correlationid=self.matter.name,
            group=group.edition.group,
            unit=self.matter.unit,
            edition=group.edition.name,
            editionhash=group.edition.hash,
            sequence=1,
            ordinal=1,
            data=event.model_dump(mode="json"),
        )

    # --- its turns

    def _turn(self, turn: Turn) -> None:
        walk = self.walk
        match turn:
            case Until():
                walk.until(turn.until)
            case Wait():
                walk.wait(*turn.wait_h)
            case TakeStep():
                walk.wait(*turn.after_h)
                walk.take(turn.step)
            case Do():
                self._do(turn)
            case Enter():
                self._enter(turn)

    def _do(self, turn: Do) -> None:
        walk = self.walk
        if turn.at:
            walk.now = max(walk.now, moment(self.group, turn.at))
        else:
            walk.wait(*turn.after_h)
        fields = {key: self._worked_out(value) for key, value in turn.fields.items()}
        if turn.asked_by:
            fields["asked_by"] = walk.hand(turn.asked_by).person
        walk.do(turn.do, walk.hand(turn.by, RIGHTS[turn.do]), **fields)

    def _worked_out(self, value: object) -> object:
        """Return a day or a moment that is told as ``+33d`` or ``+48h`` from now, and everything else as it is."""
        if not isinstance(value, str) or value[:1] != "+" or not value[1:-1].isdecimal():
            return value
        number, unit = int(value[1:-1]), value[-1]
        if unit == "d":
            day: date = self.group.edition.calendar.local_day(self.walk.now) + timedelta(days=number)
            return day.isoformat()
        return self.walk.now + timedelta(hours=number)

    def _enter(self, turn: Enter) -> None:
        walk = self.walk
        if not turn.at:
            walk.wait(*turn.after_h)
        at = moment(self.group, turn.at) if turn.at else walk.now
        service, _, path = turn.enter.partition(" ")
        named: Service = "intake" if service == "intake" else "scoring"
        account = turn.account or self.group.cast.importer(walk.case.unit)
        body = {**turn.fields, "at": at} if turn.dated else dict(turn.fields)
        for rule in turn.rules or ("",):
            self._call(named, path, at, body, account=account, rule=rule)

    def _call(
        self,
        service: Service,
        path: str,
        at: datetime,
        body: Mapping[str, Any],
        *,
        account: str,
        rule: str = "",
        early: frozenset[str] = frozenset(),
    ) -> None:
        name = self.matter.name
        key, site = f"{name}/{len(self.calls) + 1}", self.group.site(self.matter.desk or self.matter.unit)
        self.calls.append(Call(at, service, site, account, path, body, key, name, rule, early))


def together(tales: Sequence[Tale]) -> Story:
    """Tell tales that meet, as one story."""
    for tale in tales:
        try:
            tale.tell()
        except Exception as error:
            error.add_note(f"in the story '{tale.matter.name}'")
            raise
    first, *more = tales
    return first.story(*more)
