"""The quarter of any group: its matters come as its habits have it, and go as its rulebook has it.

Nothing here knows a regulation. Pure: the same rulebook, organisation, habits, seed and size give the same calls.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from math import ceil
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from jiandu.demo import texts
from jiandu.demo.cast import Cast
from jiandu.demo.group import Group, established
from jiandu.demo.habits import Coming, Habits, drawn
from jiandu.demo.interviews import interview
from jiandu.demo.rounds import filed, rounds_of
from jiandu.demo.scenario import Closing, Declaration, Scenario
from jiandu.demo.script import Call, Story
from jiandu.demo.stage import FIRST, MONTHS
from jiandu.demo.walk import Walk, Way
from services.handling.domain import Actor, open_case
from services.intake.domain.complaints import CheckedSubmission, Submission, examine
from services.intake.domain.forms import form_for
from shared.events import Envelope, Sealed, event_id, source_of
from shared.events.intake import ComplaintRegistered
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.intake import RecordField
from shared.rulebook.schema.organisation import Organisation
from shared.timekeeping.calendar import add_months
from shared.timekeeping.periods import Period, PeriodDue, period_due

ENTERED_LATER = timedelta(days=45)
"""How long after the time that is played it is entered, at the latest."""

_LAST_DAY = 24
"""Matters come in up to this day of a month, so that most are over before the month is published."""

_SPARE = 1.7
"""Matters for one answer that a ranking needs: some are still open, some customers are not called."""

_TENTH = PeriodDue(day=10, month="next", roll_forward=True)


def scenario_of(
    edition: Edition,
    organisation: Organisation,
    habits: Habits,
    complaints: int = 400,
    seed: int = 7,
    months: int = MONTHS,
) -> Scenario:
    """Return the quarter of a group, or its first months.

    The size is at least one matter of each kind and class, and as many as the rankings need to rate a unit.
    """
    days = tuple(FIRST.replace(month=FIRST.month + at) for at in range(months))
    group = Group(
        edition=edition,
        cast=Cast(organisation, edition.on(FIRST)),
        tree=established(organisation),
        habits=habits,
        seed=seed,
        months=days,
        before=edition.calendar.at(add_months(days[-1], 1), time(0)),
    )
    for unit in group.cast.registering(FIRST):
        group.manners[unit] = habits.of(unit, group.rng(f"manners/{unit}"))
    stories = [*_shown(group), *_outside(group)]
    stories += _ordinary(group, complaints - len(stories))
    rounds = [rounds_of(group, unit) for unit in organisation.units]
    told = [*filed(group), *stories, *rounds]
    reader = group.cast.reader()
    return Scenario(
        stories=tuple(one for one in told if one.calls),
        declared=group.before,
        closings=tuple(_closings(group, is_dated=group.cast.may_date(reader))),
        reader=reader,
        declarations=tuple(
            Declaration(unit, organisation.units[unit].site, group.cast.importer(unit))
            for unit in (*group.units, *group.cast.desks(FIRST))
        ),
    )


# --- which matters


def _shown(group: Group) -> Iterator[Story]:
    """Tell one matter of each kind and class."""
    number = 0
    for kind, known in group.rules.intake.kinds.items():
        for class_ in known.classes or ("",):
            unit = group.units[number % len(group.units)]
            month = group.months[number % len(group.months)]
            name = f"shown/{kind}/{class_ or 'any'}"
            yield Tale(group, name, unit, month, kind, class_=class_, late=0).story()
            number += 1


def _outside(group: Group) -> Iterator[Story]:
    """Tell the complaints that reach another unit first, and are about a unit."""
    desks = group.cast.desks(FIRST)
    counted = [key for key, one in group.rules.intake.kinds.items() if one.counts_as_complaint]
    for unit, manners in group.manners.items():
        for channel, months in manners.outside.items() if desks else ():
            for number, month in enumerate(months):
                for first in (one for one in group.months if one.month == month):
                    name = f"outside/{unit}/{channel}/{number}"
                    yield Tale(group, name, unit, first, counted[0], channel=channel, desk=desks[0]).story()


def _ordinary(group: Group, count: int) -> Iterator[Story]:
    """Tell ordinary matters, more of them where a unit has a greater share; each month has the same."""
    shares = sum(one.share for one in group.manners.values())
    least = _least(group.rules)
    for unit, manners in group.manners.items():
        each = max(ceil(max(count, 0) * manners.share / shares / len(group.months)), least)
        for month in group.months:
            for number in range(each):
                name = f"{unit}/{month:%m}/{number}"
                kind = _kind(group, group.rng(f"{name}/kind"), number < least)
                yield Tale(group, name, unit, month, kind, late=manners.late).story()


def _least(rules: Rules) -> int:
    """Return how many matters a unit has in a month, so that the rankings by answers can rate it."""
    indicators = rules.scoring.indicators
    ranked = (indicators[one.by] for one in rules.scoring.rankings.values() if one.by in indicators)
    asked = [one.minimum_n for one in ranked if one.measure == "satisfaction" or one.mean]
    return ceil(max(asked, default=0) * _SPARE)


def _kind(group: Group, rng: Random, is_called: bool) -> str:  # where a ranking needs the answer
    kinds = {key: _coming(group, key).weight for key in group.rules.intake.kinds}
    plans = group.rules.callback.plans.values()
    called = {kind for plan in plans if plan.ratio == 1 for kind in plan.applies.kind}
    wanted = {key: weight for key, weight in kinds.items() if key in called} if is_called else {}
    return drawn(wanted or kinds, rng)


def _coming(group: Group, kind: str) -> Coming:
    counts = group.rules.intake.kinds[kind].counts_as_complaint
    return group.habits.kinds.get(kind) or Coming(weight=20 if counts else 10)


# --- one matter


@dataclass(slots=True)
class Tale:
    """One matter, from its registration through its procedure to the callback.

    Attributes:
        late: How probable it is that a step is late, in percent.
        desk: Unit that takes it in, where it is not the unit's own.
    """

    group: Group
    name: str
    unit: str
    month: date
    kind: str
    class_: str = ""
    channel: str = ""
    desk: str = ""
    late: int = 0
    calls: list[Call] = field(default_factory=list)

    def story(self) -> Story:
        """Return its calls, as far as the time that is played."""
        group, rng = self.group, self.group.rng(self.name)
        came = group.at(self.month.replace(day=rng.randint(1, _LAST_DAY)), rng.uniform(8.5, 17.5))
        said = self._said(came, rng)
        examined = examine(said, group.edition.at(came), group.before + ENTERED_LATER)
        walk = self._walk(said, examined, rng)
        self._register(said)
        for deed in walk.to_the_end():
            self._call("handling", "/v1/cases/{case}/commands", deed.at, deed.body)
        if called := interview(walk, group.manners[self.unit], rng):
            at, body = called
            self._call("callback", "/v1/tasks/{case}/attempts", at, body, early=_NOT_CLOSED_YET)
        calls = sorted((call for call in self.calls if call.at < group.before), key=lambda call: call.at)
        return Story(self.name, self.calls[0].site, tuple(calls))

    def _said(self, came: datetime, rng: Random) -> Submission:
        rules, habits = self.group.rules, self.group.habits
        kind, coming = rules.intake.kinds[self.kind], _coming(self.group, self.kind)
        channels = {
            key: habits.channels.get(key, 0 if habits.channels else 1)
            for key, one in rules.intake.channels.items()
            if not one.about_unit and one.partner is None
        }
        return Submission(
            kind=self.kind,
            channel=self.channel or drawn(channels, rng),
            fields=self._fields(rng),
            class_=self.class_ or drawn(coming.classes or dict.fromkeys(kind.classes, 1), rng),
            flags=tuple(flag for flag, percent in coming.flags.items() if rng.randrange(100) < percent),
            received_at=came,
            registered_at=came + timedelta(minutes=rng.randint(2, 20)),
            service=drawn(coming.services or dict.fromkeys(kind.services, 1), rng),
            about_unit=self.unit if self.desk else "",
        )

    def _fields(self, rng: Random) -> dict[str, str]:
        group = self.group
        form = form_for(group.rules, self.kind)
        found = {key: self._value(key, one, rng) for key, one in form.fields.items()}
        owed = [key for key, one in form.fields.items() if one.need == "record"]
        if owed and rng.randrange(100) < group.manners[self.unit].incomplete:
            del found[rng.choice(owed)]
        return found

    def _value(self, key: str, wanted: RecordField, rng: Random) -> str:
        habits = self.group.habits
        offered = _coming(self.group, self.kind).words if key == "words" else habits.fields.get(key, ())
        if offered:
            return rng.choice(offered)
        # No operator has given out numbers with 0000 in the middle, so nobody real is ever named.
        phone = f"13{rng.randint(0, 9)}0000{rng.randrange(10_000):04d}"
        bought = self.month - timedelta(days=rng.randint(3, 300))
        made_up = {
            "phone": phone,
            "date": bought.isoformat(),
            "number": str(rng.randrange(1_000, 90_000, 100)),
            "choice": rng.choice([*wanted.choices, ""]),
            "text": f"{wanted.title.zh}{rng.randint(1, 999)}"[: wanted.max_length],
        }
        return texts.name(rng) if key == "name" else made_up[wanted.format]

    def _walk(self, said: Submission, examined: CheckedSubmission, rng: Random) -> Walk:
        """Open the case as handling will, and begin its walk."""
        group, account = self.group, self._account
        at, role = self.desk or self.unit, group.cast.organisation.role_of(account)
        site = group.cast.organisation.units[at].site
        event = ComplaintRegistered(
            complaint_id=uuid5(NAMESPACE_URL, f"{group.edition.group}/{self.name}"),
            number=self.name,
            site=site,
            unit=at,
            kind=said.kind,
            class_=said.class_,
            channel=said.channel,
            flags=said.flags,
            received_at=examined.received_at,
            registered_at=examined.registered_at,
            registered_by=group.cast.organisation.accounts[self._taker].person,
            complete=not examined.missing,
            missing=examined.missing,
            customer=self.name,
            imported=True,
            sealed=Sealed(key="k", box="b"),
            command_key=self.name,
            service=said.service,
            tier=examined.tier,
            grade=examined.grade,
            about_unit=said.about_unit,
        )
        source = source_of("intake", site)
        envelope = Envelope(
            id=event_id(source, str(event.complaint_id), 1),
            source=source,
            type=event.TYPE,
            subject=str(event.complaint_id),
            time=examined.registered_at,
            recordedtime=examined.registered_at,
            correlationid=self.name,
            group=group.edition.group,
            unit=self.unit,
            edition=group.edition.name,
            editionhash=group.edition.hash,
            sequence=1,
            ordinal=1,
            data=event.model_dump(mode="json"),
        )
        case, _ = open_case(envelope, group.edition)
        rights = group.cast.rules.rights.roles[role].rights
        importer = Actor(
            person=group.cast.organisation.accounts[account].person,
            unit=group.cast.organisation.unit_of(account),
            role=role,
            rights=frozenset(rights),
        )
        coming = _coming(group, self.kind)
        way = Way(
            validity=drawn(coming.validities, rng),
            grade=drawn(coming.grades, rng, examined.grade),
            liable=drawn(coming.liable, rng),
            way=drawn(coming.ways, rng),
            amount=rng.randrange(100, 1_500, 50),
            late=self._late(case.procedure, rng),
        )
        entered = group.before + ENTERED_LATER
        return Walk(case, group.edition, group.cast, importer, rng, way, case.registered_at, entered)

    def _late(self, procedure: str, rng: Random) -> frozenset[str]:
        steps = self.group.rules.procedures.procedures[procedure].steps
        timed = [key for key, one in steps.items() if one.within]
        is_late = bool(timed) and rng.randrange(100) < self.late
        return frozenset({rng.choice(timed)}) if is_late else frozenset()

    @property
    def _account(self) -> str:
        """Return who enters what the unit does."""
        return self.group.cast.importer(self.unit)

    @property
    def _taker(self) -> str:
        """Return who enters its registration."""
        return self.group.cast.importer(self.desk) if self.desk else self._account

    def _register(self, said: Submission) -> None:
        body: dict[str, Any] = {
            "unit": self.desk or self.unit,
            "kind": said.kind,
            "channel": said.channel,
            "fields": dict(said.fields),
            "received_at": said.received_at,
            "registered_at": said.registered_at,
        }
        optional = {
            "class": said.class_,
            "flags": list(said.flags),
            "service": said.service,
            "about_unit": said.about_unit,
        }
        body |= {key: value for key, value in optional.items() if value}
        at = said.registered_at or self.group.before
        self._call("intake", "/v1/complaints", at, body, account=self._taker)

    def _call(self, service: Any, path: str, at: datetime, body: Any, **more: Any) -> None:  # noqa: ANN401  # as Call has it
        unit = self.desk or self.unit
        given = {"account": self._account, **more}
        key = f"{self.name}/{len(self.calls) + 1}"
        site = self.group.cast.organisation.units[unit].site
        self.calls.append(
            Call(at=at, service=service, site=site, path=path, body=body, key=key, about=self.name, **given)
        )


_NOT_CLOSED_YET = frozenset({"not-closed-then", "task-done"})
"""Refusals that only say that the closing is still on its way."""


# --- what is published


def _closings(group: Group, *, is_dated: bool) -> Iterator[Closing]:
    """Give each month on the morning on which it is due, and the longer periods that a ranking has."""
    calendar = group.edition.calendar
    every = {ranking.every for ranking in group.rules.scoring.rankings.values()}
    for first in group.months:
        dues = [one.due for one in group.rules.scoring.publications.values()] or [_TENTH]
        month = Period.holding("month", first)
        due = max(period_due(one, month, calendar).due_before for one in dues)
        published = calendar.at(calendar.closing_day(due), time(10))
        yield Closing(str(month), published if is_dated else None)
        for longer in ("quarter", "year"):
            span = Period.holding(longer, first)
            if longer in every and span.first in group.months and span.last == month.last:
                yield Closing(str(span), published + timedelta(hours=1) if is_dated else None)
