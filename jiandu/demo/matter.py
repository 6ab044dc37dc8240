"""What is decided about a matter before it is told: who comes with what on which day, and how it will go."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Literal

from jiandu.demo.group import FIRST, Group
from jiandu.demo.habits import Going, drawn, filled
from jiandu.demo.habits.stories import Told, Turn
from jiandu.demo.interviews import Outcome, outcomes
from jiandu.demo.people import Person
from jiandu.demo.walk import Way
from services.intake.domain.forms import form_for
from shared.rulebook.schema.intake import RecordField
from shared.timekeeping.limits import Limit, due_before

_LAST_DAY = 24
"""Matters come in up to this day of a month, so that most are over before the month is published."""

_LAST_DAY_OF_LAPSES = 17
"""What goes wrong early in a month is over before the month is."""

_PATIENCE = timedelta(hours=40)
"""What is registered a day late leaves no step late whose limit is longer."""

_DAY_OFF, _OFF_THAT_REST = 5, 40
"""From this day of the week on, so many percent of the matters come on the Thursday or Friday before."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One matter, before it is told.

    Attributes:
        desk: Unit that takes it in, where it is not the unit's own.
        fields: What its record holds.
        way: How it goes; ``late_by``: one step more is late by ``chance``, any that has a limit, or is a ``lapse``, one
            that comes whatever is found.
        turns: What happens beside the procedure.
        ends: It is walked to its end.
        calls: What comes of the callbacks, one after the other.
    """

    name: str
    unit: str
    received_at: datetime
    registered_at: datetime
    kind: str
    class_: str
    channel: str
    customer: Person
    fields: Mapping[str, str]
    desk: str = ""
    item: str = ""
    service: str = ""
    flags: tuple[str, ...] = ()
    handover_on: datetime | None = None
    registered: Mapping[str, str] = field(default_factory=dict)
    way: Way = field(default_factory=Way)
    late_by: Literal["", "chance", "lapse"] = ""
    turns: tuple[Turn, ...] = ()
    ends: bool = True
    calls: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of an ordinary matter before the rest of it is drawn.

    Attributes:
        month: First day of the month in which it comes.
        class_, channel: Drawn where nothing is said.
        desk: Unit that takes it in, where it is not the unit's own.
        lapse: What goes wrong with it; one of the names of ``Lapses``.
        late: How probable it is that a step is late, in percent.
    """

    name: str
    unit: str
    month: date
    kind: str
    class_: str = ""
    channel: str = ""
    desk: str = ""
    lapse: str = ""
    late: int = 0


def ordinary(group: Group, draft: Draft) -> Matter:
    """Draw a matter as the habits have it."""
    unit, kind, lapse = draft.unit, draft.kind, draft.lapse
    rng, manners = group.rng(draft.name), group.manners[unit]
    class_ = draft.class_ or _class(group, kind, rng, is_patient=lapse == "registered_late")
    going = group.habits.going(kind, class_)
    received = _received(group, draft.month, rng, is_early=bool(lapse))
    minutes = rng.randint(25 * 60, 29 * 60) if lapse == "registered_late" else rng.randint(2, 20)
    item = drawn(going.items, rng)
    validity = "" if lapse in ("late", "registered_late") else drawn(going.validities, rng)
    customer = group.customer(unit, rng)
    is_before_handover = "handover" in group.rules.intake.kinds[kind].moments
    matter = Matter(
        name=draft.name,
        unit=unit,
        received_at=received,
        registered_at=received + timedelta(minutes=minutes),
        kind=kind,
        class_=class_,
        channel=draft.channel or _channel(group, going, rng),
        customer=customer,
        fields={},
        desk=draft.desk,
        item=item,
        service=drawn(going.services or dict.fromkeys(group.rules.intake.kinds[kind].services, 1), rng),
        flags=tuple(flag for flag, percent in going.flags.items() if rng.randrange(100) < percent),
        handover_on=received + timedelta(days=rng.randint(10, 25)) if is_before_handover else None,
        registered={key: text.format_map(customer.slots) for key, text in going.registered.items()},
        way=Way(
            validity=validity,
            grade=drawn(going.grades, rng),
            liable=drawn(going.liable, rng),
            way=drawn(going.ways, rng),
            amount=rng.randrange(100, 1_500, 50),
            instead=frozenset(going.instead),
            refused=rng.randrange(100) < going.refused,
        ),
        late_by="lapse" if lapse == "late" else "chance" if rng.randrange(100) < draft.late else "",
        ends=lapse != "unhandled",
        calls=outcomes(manners, rng) if lapse != "unhandled" else (),
    )
    is_incomplete = lapse == "incomplete" or (not lapse and rng.randrange(100) < manners.incomplete)
    return _recorded(group, matter, rng, going, "", 1 if is_incomplete else 0)


def _class(group: Group, kind: str, rng: Random, *, is_patient: bool) -> str:
    """Draw a class; where it has to be patient, one for which nothing else is late when it is registered late."""
    coming, classes = group.habits.kinds.get(kind), group.rules.intake.kinds[kind].classes
    known = (coming.classes if coming else {}) or dict.fromkeys(classes, 1)
    patient = {key: known[key] for key in known if is_patient and _is_patient(group, key)}
    return drawn(patient or known, rng)


def _is_patient(group: Group, class_: str) -> bool:
    calendar, start = group.edition.calendar, group.began
    limits = [
        step.within
        for one in group.rules.procedures.procedures.values()
        if class_ in one.applies.class_
        for step in one.steps.values()
        if step.after == ("receipt",) and isinstance(step.within, Limit)
    ]
    return all(due_before(one, start, calendar).due_before - start > _PATIENCE for one in limits)


def _channel(group: Group, going: Going, rng: Random) -> str:
    usual = going.channels or group.habits.channels
    known = {
        key: usual.get(key, 0 if usual else 1)
        for key, one in group.rules.intake.channels.items()
        if not one.about_unit and one.partner is None
    }
    return drawn(known, rng)


def _received(group: Group, month: date, rng: Random, *, is_early: bool) -> datetime:
    day = month.replace(day=rng.randint(2, _LAST_DAY_OF_LAPSES) if is_early else rng.randint(1, _LAST_DAY))
    if day.weekday() >= _DAY_OFF and day.day > 2 and rng.randrange(100) < _OFF_THAT_REST:  # noqa: PLR2004  # two days back
        day -= timedelta(days=2)
    return group.at(day, rng.uniform(8.5, 17.5))


def told(group: Group, name: str, one: Told, customer: Person | None) -> Matter:
    """Return the matter of a story.

    Args:
        customer: Who comes again; somebody new where nobody is named.
    """
    rng = group.rng(name)
    going = group.habits.going(one.kind, one.class_)
    received = moment(group, one.at)
    customer = customer or group.customer(one.unit, rng)
    matter = Matter(
        name=name,
        unit=one.unit,
        received_at=received,
        registered_at=received + timedelta(minutes=round(rng.uniform(*one.registered_after_h) * 60)),
        kind=one.kind,
        class_=one.class_,
        channel=one.channel or _channel(group, going, rng),
        customer=customer,
        fields={},
        item=one.item,
        service=one.service or drawn(dict.fromkeys(group.rules.intake.kinds[one.kind].services, 1), rng),
        flags=one.flags,
        handover_on=moment(group, one.handover_on) if one.handover_on else None,
        registered={key: text.format_map(customer.slots) for key, text in going.registered.items()},
        way=Way(
            validity=one.validity,
            grade=one.grade,
            liable=one.liable,
            way=one.way,
            amount=rng.randrange(1_000, 9_000, 100) if one.amount is None else one.amount,
            deposit=one.deposit,
            late=frozenset(one.late),
            instead=frozenset(one.instead or going.instead),
            skip=frozenset(one.skip),
            lacking=frozenset(one.lacking),
            refused=one.refused,
        ),
        turns=one.turns,
        ends=one.ends,
        calls=one.calls,
    )
    return _recorded(group, matter, rng, going, one.subject, 0, one.without)


def moment(group: Group, said: str) -> datetime:
    """Return a local moment of the year that a story names: ``07-21`` or ``07-21 09:30``."""
    day, _, clock = said.partition(" ")
    hour, _, minute = (clock or "10:00").partition(":")
    return group.at(date.fromisoformat(f"{FIRST.year}-{day}"), int(hour) + int(minute) / 60)


# --- its record


def _recorded(
    group: Group,
    matter: Matter,
    rng: Random,
    going: Going,
    subject: str,
    lacks: int,
    without: tuple[str, ...] = (),
) -> Matter:
    """Fill in the record, but for what it lacks."""
    form = form_for(group.rules, matter.kind)
    slots = _words(group, matter, rng, going, subject)
    found = {key: _value(group, matter, key, one, slots, rng) for key, one in form.fields.items()}
    owed = [key for key, one in form.fields.items() if one.need == "record"]
    missing = {*without, *rng.sample(owed, min(lacks, len(owed)))}
    return replace(matter, fields={key: value for key, value in found.items() if key not in missing})


def _words(group: Group, matter: Matter, rng: Random, going: Going, subject: str) -> dict[str, str]:
    """Draw what the customer says, with everything else that texts may name."""
    habits = group.habits
    slots = filled(habits.slots, rng, matter.customer.slots)
    said = {"kind": matter.kind, "class": matter.class_, "validity": matter.way.validity}
    for family in habits.families.values():
        if family.by_item:
            fits = matter.item in family.subjects
        else:
            fits = subject in family.subjects if subject else family.about.items() <= said.items()
        if not fits:
            continue
        subject = matter.item if family.by_item else subject or rng.choice(list(family.subjects))
        topic = rng.choice(family.subjects[subject])
        demand = rng.choice(topic.demands)
        text = f"{rng.choice(topic.symptoms)}，{rng.choice(topic.effects)}。"
        if family.openings:
            opening = rng.choice(habits.openings[family.openings])
            text = f"{opening}{text}{rng.choice(habits.histories[family.histories])}"
        more = {"subject": subject, "demand": demand, "words": f"{text}{demand}。".format_map(slots)}
        return {**slots, **more}
    if subject:
        raise LookupError(f"No family of words has the subject '{subject}' of '{matter.name}'.")
    return {**slots, "words": rng.choice(going.words).format_map(slots)} if going.words else slots


def _value(
    group: Group, matter: Matter, key: str, wanted: RecordField, slots: Mapping[str, str], rng: Random
) -> str:
    usual = {"name": matter.customer.name, "phone": matter.customer.phone, "words": slots.get("words", "")}
    if usual.get(key):
        return usual[key]
    if offered := group.habits.fields.get(key):
        return rng.choice(offered).format_map(slots)
    bought = group.edition.calendar.local_day(matter.received_at) - timedelta(days=rng.randint(3, 300))
    made_up = {
        "phone": matter.customer.phone,
        "date": bought.isoformat(),
        "number": str(rng.randrange(1_000, 90_000, 100)),
        "choice": rng.choice([*wanted.choices, ""]),
        "text": f"{wanted.title.zh}{rng.randint(1, 999)}"[: wanted.max_length],
    }
    return made_up[wanted.format]
