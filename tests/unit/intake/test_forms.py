"""Claims about the fields of a record."""

import pytest

from services.intake.domain.forms import HIDDEN, check, fault, form_for, identity, masked, place, plain
from shared.errors import RulebookGapError
from shared.rulebook.schema.base import Text
from shared.rulebook.schema.intake import RecordField
from tests.unit.intake.builders import FIELDS, the_rules

FORM = form_for(the_rules(), "complaint")


def a_field(**changed: object) -> RecordField:
    return RecordField.model_validate({"title": Text(zh="字段", en="field"), "need": "must", **changed})


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in FIELDS.items() if name not in names}


def test_a_full_record_misses_nothing() -> None:
    checked = check(FORM, FIELDS)

    assert (checked.missing, checked.problems) == ((), ())


def test_an_empty_field_of_the_full_record_is_missing_but_no_fault() -> None:
    checked = check(FORM, {**FIELDS, "project": "  ", "demand": ""})

    assert checked.missing == ("project", "demand")
    assert checked.problems == ()


def test_every_fault_is_named_at_once() -> None:
    checked = check(FORM, {**without("name"), "phone": "no phone", "colour": "red"})

    assert sorted(problem.field for problem in checked.problems) == [
        "fields.colour",
        "fields.name",
        "fields.phone",
    ]


def test_a_kind_without_a_form_is_a_gap_of_the_rulebook() -> None:
    with pytest.raises(RulebookGapError, match="parcel"):
        form_for(the_rules(), "parcel")


@pytest.mark.parametrize("phone", ["13812345678", "+86 138-1234-5678", "(023) 6300 0000", "6300000"])
def test_telephone_numbers_as_people_write_them_are_accepted(phone: str) -> None:
    assert fault(a_field(format="phone"), phone) == ""


@pytest.mark.parametrize(
    "phone", ["630000", "1234567890123456", "138 1234 567x", "=1+1", "一三八一二三四五六七八"]
)
def test_what_is_no_telephone_number_is_refused(phone: str) -> None:
    assert fault(a_field(format="phone"), phone).startswith("no telephone number")


@pytest.mark.parametrize("day", ["20260703", "2026-02-30", "2026-7-3", "03.07.2026"])
def test_what_is_no_date_is_refused(day: str) -> None:
    assert fault(a_field(format="date"), day).startswith("no date")


@pytest.mark.parametrize("number", ["NaN", "1e9x", "Infinity", "一百"])
def test_what_is_no_number_is_refused(number: str) -> None:
    assert fault(a_field(format="number"), number).startswith("no number")


def test_a_value_may_be_as_long_as_the_form_says_and_no_longer() -> None:
    field = a_field(max_length=3)

    assert fault(field, "三个字") == ""
    assert fault(field, "四个字符") == "at most 3 characters; these are 4"


def test_control_characters_are_refused_and_line_breaks_are_not() -> None:
    assert fault(a_field(), "a\x00b").startswith("holds the control character U+0000")
    assert fault(a_field(), "一\n二\t三") == ""


def test_masked_fields_show_who_it_may_be_and_never_what_was_said() -> None:
    """INVARIANT: no page shows a name, a number or the words of a customer in full.

    What breaks it: showing a personal field that has no mask of its own.
    """
    shown = masked(FIELDS, plain(FORM, FIELDS))

    assert shown["name"] == "张**"
    assert shown["phone"] == "138****5678"
    assert shown["address"] == "重庆市江北区******"
    assert shown["words"] == HIDDEN
    assert shown["project"] == "金科十年城"


def test_one_telephone_number_is_one_customer_however_it_is_written() -> None:
    assert identity({"phone": "+86 138-1234-5678"}) == identity({"phone": "13812345678", "name": "张三"})
    assert identity({"phone": "0086 13812345678"}) == identity({"phone": "13812345678"})
    assert identity({"phone": "13812345678"}) != identity({"phone": "13812345679"})


def test_without_a_telephone_number_name_and_address_tell_customers_apart() -> None:
    assert identity({"name": "张三", "address": "3栋 502"}) == identity({"name": "张三", "address": "3栋502"})
    assert identity({"name": "张三", "address": "3栋502"}) != identity({"name": "张三", "address": "3栋503"})


def test_a_matter_without_an_address_has_no_place() -> None:
    assert place(without("address"), "flat-1") == ""
    assert place(FIELDS, "flat-1") != place(FIELDS, "flat-2")
