"""What a unit needs before it begins, where it goes, and what a person needs before and after."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from services.registry.domain import people, units
from services.registry.domain.records import State
from shared.errors import ConflictError, FieldProblem, ForbiddenError, InvalidInputError, KeyReusedError
from shared.events.registry import (
    DeputyNamed,
    PersonAppointed,
    PersonLeft,
    TrainingRecorded,
    UnitEstablished,
)
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from shared.rulebook.schema import Rules
from tests.unit.rulebook.editions import jinke

TRAINED = """
courses:
  service:
    from: 2005-05-28
    source: JK-01
    title: {zh: 服务培训, en: service}
appointments:
  trained:
    from: 2005-05-28
    source: JK-01
    title: {zh: 先培训, en: training first}
    role: engineer
    needs: training
    of: service
"""


def edition() -> Edition:
    """Return jinke's edition; sales desks are approved by the president and need a lead, engineers are trained."""
    text = jinke()["rights.yaml"]
    head, _, _ = text.partition("\nappointments:\n")
    desk = head.index("  sales-desk:\n") + len("  sales-desk:\n")
    asks = "    needs_lead: true\n    activated_by: group-president\n"
    changed = f"{head[:desk]}{asks}{head[desk:]}"
    president = changed.index("  group-president:\n    from") + len("  group-president:\n")
    changed = f"{changed[:president]}    deputies: centre-director\n{changed[president:]}"
    return edition_from_files({**jinke(), "rights.yaml": changed + TRAINED})


def rules() -> Rules:
    return edition().on(date(2026, 8, 1))


def desk(**changes: object) -> UnitEstablished:
    given = {
        "unit": "desk",
        "kind": "sales-desk",
        "parent": "branch",
        "site": "wuxi",
        "name_zh": "处",
        "name_en": "desk",
        "established_on": date(2026, 7, 1),
    }
    return UnitEstablished.model_validate({**given, **changes})


def record(unit: UnitEstablished) -> State:
    return unit.model_dump(mode="json")


def known(**more: State) -> dict[str, State]:
    tree = {
        "group": desk(unit="group", kind="group-centre", parent=None, site="group"),
        "company": desk(unit="company", kind="subsidiary", parent="group"),
        "branch": desk(unit="branch", kind="branch", parent="company"),
        "other": desk(unit="other", kind="branch", parent="company"),
        "abroad": desk(unit="abroad", kind="branch", parent="group", site="chengdu"),
    }
    return {f"unit/{key}": record(unit) for key, unit in tree.items()} | {
        f"unit/{key}": state for key, state in more.items()
    }


def refusal(error: pytest.ExceptionInfo[InvalidInputError]) -> list[str]:
    return [problem.field for problem in error.value.problems]


# --- activation


@pytest.mark.rule("ZY-03", "LN-22")
@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        ({}, ("approval", "service-lead")),
        ({"service_lead": "li"}, ("approval",)),
        ({"activated_by": "president"}, ("service-lead",)),
        ({"service_lead": "li", "activated_by": "president"}, ()),
        ({"kind": "branch"}, ()),
    ],
)
def test_a_unit_is_not_active_before_its_approval_and_without_who_answers_for_it(
    given: dict[str, str], lacks: tuple[str, ...]
) -> None:
    assert units.missing(desk(**given), rules()) == lacks


@pytest.mark.rule("LN-22")
def test_a_proposed_unit_begins_with_the_approval_of_the_role_that_the_regulation_names() -> None:
    proposal, told = units.propose(desk(), "director", ("approval", "service-lead"))
    assert (told.missing, proposal["active"]) == (("approval", "service-lead"), False)

    with pytest.raises(ForbiddenError, match="approved by a 'group-president'"):
        units.activate(proposal, "x", "branch-head", "li", None, rules())
    with pytest.raises(units.NotActiveError, match="service-lead is missing"):
        units.activate(proposal, "president", "group-president", "", None, rules())
    with pytest.raises(units.NotActiveError, match="does not approve it"):
        units.activate(proposal, "director", "group-president", "li", None, rules())
    begun = units.activate(proposal, "president", "group-president", "li", date(2026, 9, 1), rules())

    assert begun == desk(activated_by="president", service_lead="li", established_on=date(2026, 9, 1))


# --- moves, merges, ends


def test_a_unit_moves_on_a_day_and_the_same_again_changes_nothing() -> None:
    lies = known(desk=record(desk()))

    moved = units.set_anew("desk", {"parent": "other"}, date(2026, 9, 1), lies, rules())

    assert moved == desk(parent="other", established_on=date(2026, 9, 1))
    assert (
        units.set_anew("desk", {"parent": "other"}, date(2026, 9, 1), known(desk=record(moved)), rules())
        is None
    )


@pytest.mark.parametrize(
    ("unit", "changes", "since", "fields"),
    [
        ("desk", {"parent": "other"}, date(2026, 6, 30), ["since"]),
        ("desk", {"parent": "nowhere"}, date(2026, 9, 1), ["parent"]),
        # Its accounts and what it registers are of one site: it closes there, and another begins here.
        ("desk", {"parent": "abroad"}, date(2026, 9, 1), ["site"]),
        ("desk", {"kind": "castle"}, date(2026, 9, 1), ["kind"]),
        ("company", {"parent": "branch"}, date(2026, 9, 1), ["parent"]),
    ],
)
def test_a_unit_does_not_move_where_it_cannot_lie(
    unit: str, changes: Mapping[str, str], since: date, fields: list[str]
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        units.set_anew(unit, changes, since, known(desk=record(desk())), rules())

    assert refusal(caught) == fields


def test_a_closed_unit_moves_no_more() -> None:
    closed = {**record(desk()), "closes_on": "2026-09-01"}

    assert units.set_anew("desk", {"parent": "other"}, date(2026, 8, 31), known(desk=closed), rules())
    with pytest.raises(ConflictError, match="is closed from 2026-09-01 on"):
        units.set_anew("desk", {"parent": "other"}, date(2026, 9, 1), known(desk=closed), rules())


@pytest.mark.parametrize(
    ("successor", "reason"),
    [
        ("nowhere", "no such unit"),
        ("desk", "is the unit itself"),
        ("late", "does not exist on 2026-09-01"),
        ("gone", "does not exist on 2026-09-01"),
        ("abroad", "is another subsidiary's, which would answer for deadlines that are not its own"),
    ],
)
def test_nobody_follows_a_closed_unit_who_could_not_go_on_with_its_matters(
    successor: str, reason: str
) -> None:
    tree = known(
        desk=record(desk()),
        late=record(desk(established_on=date(2026, 9, 2))),
        gone={**record(desk()), "closes_on": "2026-09-01"},
    )

    with pytest.raises(InvalidInputError) as caught:
        units.close_unit("desk", date(2026, 9, 1), tree, successor)

    assert caught.value.problems == (FieldProblem("successor", reason),)


def test_a_unit_closes_once_with_its_successor() -> None:
    tree = known(desk=record(desk()))

    closed = units.close_unit("desk", date(2026, 9, 1), tree, "branch")
    tree["unit/desk"] |= {"closes_on": "2026-09-01", "successor": "branch"}

    assert closed is not None
    assert units.close_unit("desk", date(2026, 9, 1), tree, "branch") is None
    with pytest.raises(ConflictError):
        units.close_unit("desk", date(2026, 9, 1), tree, "other")


# --- people


def appointment(**changes: object) -> PersonAppointed:
    given = {"person": "li", "name": "李", "unit": "works", "role": "engineer", "since": date(2026, 8, 1)}
    return PersonAppointed.model_validate({**given, **changes})


def sat(on: date, passed: bool) -> TrainingRecorded:
    return TrainingRecorded(course="service", person="li", unit="works", on=on, passed=passed, by="boss")


@pytest.mark.rule("LN-22")
@pytest.mark.parametrize(
    ("results", "appointed"),
    [
        ([], False),
        ([(date(2026, 7, 31), True)], True),
        ([(date(2026, 8, 2), True)], False),
        ([(date(2026, 7, 1), True), (date(2026, 7, 31), False)], False),
    ],
)
def test_nobody_serves_who_has_not_passed_the_training(
    results: list[tuple[date, bool]], appointed: bool
) -> None:
    trained: State = {
        "name": "",
        "appointments": [],
        "trainings": [sat(*one).model_dump(mode="json") for one in results],
    }
    tree = known(works=record(desk(unit="works", kind="engineering", parent="branch")))

    try:
        people.appoint(appointment(), trained, None, tree, rules(), edition().calendar)
    except people.TrainingMissingError:
        assert not appointed
    else:
        assert appointed


@pytest.mark.rule("LN-29")
def test_an_examination_has_one_result_a_day_of_a_course_that_there_is() -> None:
    day = date(2026, 7, 1)
    known_: State = {"trainings": [sat(day, passed=False).model_dump(mode="json")]}

    assert people.train(sat(day, passed=True), None, rules()) is not None
    assert people.train(sat(day, passed=False), known_, rules()) is None
    with pytest.raises(KeyReusedError):
        people.train(sat(day, passed=True), known_, rules())
    with pytest.raises(InvalidInputError):
        people.train(sat(day, passed=True).model_copy(update={"course": "cooking"}), None, rules())


def deputy(**changes: object) -> DeputyNamed:
    given = {
        "person": "president",
        "role": "group-president",
        "unit": "group",
        "deputy": "director",
        "since": date(2026, 9, 1),
        "until": date(2026, 9, 8),
        "by": "operator",
    }
    return DeputyNamed.model_validate({**given, **changes})


HELD = {"president": {"group-president"}, "director": {"centre-director"}, "head": {"branch-head"}}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"deputy": "head"}, ["deputy"]),
        ({"person": "head"}, ["person"]),
        ({"deputy": "president"}, ["deputy"]),
        ({"until": date(2026, 9, 1)}, ["until"]),
        ({"role": "unheard-of"}, ["person"]),
    ],
)
def test_who_may_stand_in_is_the_regulations_to_say(changes: dict[str, Any], fields: list[str]) -> None:
    if not fields:
        assert people.name_deputy(deputy(), None, HELD, rules()) is not None
        return
    with pytest.raises(InvalidInputError) as caught:
        people.name_deputy(deputy(**changes), None, HELD, rules())
    assert refusal(caught) == fields


def test_the_same_deputy_again_changes_nothing_whoever_names_them() -> None:
    named: State = {"deputies": [deputy().model_dump(mode="json")]}

    assert people.name_deputy(deputy(by="somebody"), named, HELD, rules()) is None
    assert people.name_deputy(deputy(until=date(2026, 9, 9)), named, HELD, rules()) is not None


def test_a_person_leaves_once_and_may_come_back() -> None:
    left = PersonLeft(person="li", unit="branch", on=date(2026, 9, 1), successor="wang")
    there: State = {"appointments": [{"unit": "branch", "role": "x", "since": "2026-01-01"}]}
    gone = {**there, "left_on": "2026-09-01", "successor": "wang"}
    back = {**gone, "appointments": [{"unit": "branch", "role": "x", "since": "2026-10-01"}]}
    everybody: dict[str, State] = {"li": there, "wang": {}}

    assert people.leave(left, there, everybody) == left
    assert people.leave(left, gone, everybody) is None
    with pytest.raises(ConflictError):
        people.leave(left.model_copy(update={"on": date(2026, 9, 2)}), gone, everybody)
    again = left.model_copy(update={"on": date(2026, 12, 1)})
    assert people.leave(again, back, everybody) == again
    with pytest.raises(InvalidInputError):
        people.leave(left.model_copy(update={"successor": "li"}), there, everybody)
