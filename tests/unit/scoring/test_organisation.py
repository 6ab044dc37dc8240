"""The organisation: who exists when, and who is charged for what."""

from datetime import date

from services.scoring.domain.organisation import Organisation
from tests.builders_facts import Told

JULY_1, JULY_31 = date(2026, 7, 1), date(2026, 7, 31)


def an_organisation(told: Told) -> Organisation:
    return Organisation.of(told.facts)


def test_a_unit_exists_from_the_day_of_its_establishment_until_the_day_before_it_closes() -> None:
    told = Told()
    told.established("b", "branch", on="2026-07-01")
    told.closed("b", "2026-08-01")
    organisation = an_organisation(told)

    assert organisation.exists_throughout("b", JULY_1, JULY_31)
    assert not organisation.exists("b", date(2026, 6, 30))
    assert not organisation.exists("b", date(2026, 8, 1))


def test_a_unit_established_on_the_second_was_not_there_the_whole_month() -> None:
    told = Told()
    told.established("b", "branch", on="2026-07-02")

    assert not an_organisation(told).exists_throughout("b", JULY_1, JULY_31)
    assert an_organisation(told).of_kind(("branch",), JULY_1, JULY_31) == ("b",)


def test_a_unit_closed_on_the_last_day_was_not_there_the_whole_month() -> None:
    told = Told()
    told.established("b", "branch", on="2005-06-01")
    told.closed("b", "2026-07-31")

    assert not an_organisation(told).exists_throughout("b", JULY_1, JULY_31)


def test_a_unit_can_be_established_again() -> None:
    told = Told()
    told.established("b", "branch", on="2005-06-01")
    told.closed("b", "2026-07-10")
    told.closed("b", "2026-07-11")
    told.established("b", "branch", on="2026-07-20")
    organisation = an_organisation(told)

    assert [organisation.exists("b", date(2026, 7, day)) for day in (9, 10, 19, 20)] == [
        True,
        False,
        False,
        True,
    ]
    assert not organisation.exists_throughout("b", JULY_1, JULY_31)


def test_a_record_set_anew_holds_from_its_day_and_a_correction_of_the_same_day_replaces() -> None:
    told = Told()
    told.established("b", "office", "west", on="2005-06-01")
    told.established("b", "branch", "west", on="2005-06-01")
    told.established("b", "branch", "east", on="2026-07-15")
    organisation = an_organisation(told)

    assert organisation.line("b", date(2026, 7, 14)) == ("b", "west")
    assert organisation.line("b", date(2026, 7, 15)) == ("b", "east")
    assert organisation.line("b", date(2004, 1, 1)) == ("b", "west")
    assert organisation.of_kind(("office",), JULY_1, JULY_31) == ()


def test_the_line_upwards_ends_even_where_parents_run_in_a_circle() -> None:
    told = Told()
    told.established("a", "x", "b")
    told.established("b", "x", "a")

    assert an_organisation(told).line("a", JULY_1) == ("a", "b")


def test_the_branch_itself_or_the_one_above_is_charged() -> None:
    organisation = an_organisation(Told().organisation())

    assert organisation.scored_unit("wuxi-branch", ("branch",), JULY_1) == "wuxi-branch"
    assert organisation.scored_unit("wuxi-sales", ("branch",), JULY_1) == "wuxi-branch"
    assert organisation.scored_unit("wuxi-sales", ("subsidiary",), JULY_1) == "wuxi"


def test_of_several_kinds_the_nearest_unit_is_charged() -> None:
    """INVARIANT: a sheet for several kinds of unit charges one unit for one deed, the nearest.

    What breaks it: looking for the kinds one after the other, so that the first kind's unit higher up is charged.
    """
    organisation = an_organisation(Told().organisation())
    kinds = ("subsidiary", "branch")

    assert organisation.scored_unit("wuxi-sales", kinds, JULY_1) == "wuxi-branch"
    assert organisation.scored_unit("wuxi-sales", kinds[::-1], JULY_1) == "wuxi-branch"
    assert organisation.scored_unit("wuxi", kinds, JULY_1) == "wuxi"


def test_units_of_several_kinds_come_in_one_list_by_id() -> None:
    organisation = an_organisation(Told().organisation("wuxi"))

    assert organisation.of_kind(("subsidiary", "branch"), JULY_1, JULY_31) == ("wuxi", "wuxi-branch")


def test_a_department_beside_the_branch_is_charged_to_the_branch_of_its_site() -> None:
    told = Told().organisation()
    told.established("wuxi-works", "engineering", "wuxi", "wuxi")
    organisation = an_organisation(told)

    assert organisation.scored_unit("wuxi-works", ("branch",), JULY_1) == "wuxi-branch"
    assert organisation.scored_unit("wuxi", ("branch",), JULY_1) == "wuxi-branch"


def test_of_two_branches_at_a_site_the_nearer_is_charged() -> None:
    told = Told().organisation("wuxi")
    told.established("wuxi-east", "district", "wuxi", "wuxi")
    told.established("wuxi-east-branch", "branch", "wuxi-east", "wuxi")
    told.established("wuxi-east-works", "engineering", "wuxi-east", "wuxi")
    organisation = an_organisation(told)

    assert organisation.scored_unit("wuxi-east-works", ("branch",), JULY_1) == "wuxi-east-branch"


def test_nobody_is_charged_where_it_cannot_be_told_who() -> None:
    told = Told().organisation("wuxi")
    told.established("wuxi-second", "branch", "wuxi", "wuxi")
    organisation = an_organisation(told)

    assert organisation.scored_unit("wuxi", ("branch",), JULY_1) == ""
    assert organisation.scored_unit("group", ("branch",), JULY_1) == ""
    assert organisation.scored_unit("unheard-of", ("branch",), JULY_1) == ""


def test_a_unit_without_a_common_parent_is_charged_by_site() -> None:
    told = Told()
    told.established("north-branch", "branch", "", "north")
    told.established("north-works", "engineering", "", "north")

    assert an_organisation(told).scored_unit("north-works", ("branch",), JULY_1) == "north-branch"


def test_a_unit_answers_for_itself_and_for_what_it_is_charged_for() -> None:
    organisation = an_organisation(Told().organisation())

    assert organisation.answers_for("wuxi-branch", "wuxi-sales", JULY_1)
    assert organisation.answers_for("wuxi-sales", "wuxi-sales", JULY_1)
    assert not organisation.answers_for("wuxi-branch", "chengdu-sales", JULY_1)
    assert not organisation.answers_for("unheard-of", "wuxi-sales", JULY_1)


def test_a_unit_does_not_answer_for_those_above_it_though_it_is_charged_for_them() -> None:
    """An inspection of the subsidiary is no inspection of its branch, and one of the branch none of its desk."""
    organisation = an_organisation(Told().organisation())

    assert organisation.scored_unit("wuxi", ("branch",), JULY_1) == "wuxi-branch"
    assert not organisation.answers_for("wuxi-branch", "wuxi", JULY_1)
    assert not organisation.answers_for("wuxi-sales", "wuxi-branch", JULY_1)


def test_facts_of_other_kinds_say_nothing_of_the_organisation() -> None:
    told = Told()
    told.closed("never-established", "2026-07-01")
    told.registered("A", "2026-07-01 09:00")

    assert an_organisation(told) == Organisation({}, {})
