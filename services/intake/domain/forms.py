"""Pure: the fields that the rulebook's form asks for, and what is wrong with those given."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from shared.errors import FieldProblem, RulebookGapError
from shared.rulebook.schema import Rules
from shared.rulebook.schema.intake import RecordField, RecordForm
from shared.values.masking import mask_address, mask_name, mask_phone
from shared.values.text import fault_of

_PHONE = re.compile(r"\+?[0-9(][0-9 ()\-]{4,}[0-9]")
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
"""The shortest local number in use and the longest that ITU-T E.164 allows."""

HIDDEN = "******"


@dataclass(frozen=True, slots=True)
class Checked:
    """Fields after a look at the form.

    Attributes:
        values: The fields that hold something, trimmed.
        missing: Fields of the full record that are still empty.
    """

    values: Mapping[str, str]
    missing: tuple[str, ...]
    problems: tuple[FieldProblem, ...]


def form_for(rules: Rules, kind: str) -> RecordForm:
    """Return the form of a kind of matter. Raises ``RulebookGapError``."""
    for form in rules.intake.forms.values():
        if kind in form.kinds:
            return form
    raise RulebookGapError(
        group=rules.rulebook.group, on=rules.rulebook.edition, key=f"intake.forms for kind '{kind}'"
    )


def check(form: RecordForm, fields: Mapping[str, str]) -> Checked:
    """Hold fields against a form; every fault is named, not only the first."""
    problems = [
        FieldProblem(f"fields.{name}", f"the form has no such field; it has: {', '.join(form.fields)}")
        for name in fields
        if name not in form.fields
    ]
    values: dict[str, str] = {}
    missing: list[str] = []
    for name, wanted in form.fields.items():
        value = fields.get(name, "").strip()
        if value:
            reason = fault(wanted, value)
            if reason:
                problems.append(FieldProblem(f"fields.{name}", reason))
            values[name] = value
        elif wanted.need == "must":
            problems.append(FieldProblem(f"fields.{name}", f"needed: {wanted.title.zh} ({wanted.title.en})"))
        elif wanted.need == "record":
            missing.append(name)
    return Checked(values, tuple(missing), tuple(problems))


def fault(wanted: RecordField, value: str) -> str:
    """Say what is wrong with a value; empty when nothing is."""
    if len(value) > wanted.max_length:
        return f"at most {wanted.max_length} characters; these are {len(value)}"
    if reason := fault_of(value):
        return reason
    if wanted.format == "choice":
        return "" if value in wanted.choices else f"one of: {', '.join(wanted.choices)}"
    fits, reason = _FORMATS.get(wanted.format, (bool, ""))
    return "" if fits(value) else reason


def _is_phone(value: str) -> bool:
    digits = sum(character.isdigit() for character in value)
    return _FEWEST_DIGITS <= digits <= _MOST_DIGITS and _PHONE.fullmatch(value) is not None


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_number(value: str) -> bool:
    try:
        return value.isascii() and Decimal(value).is_finite()
    except InvalidOperation:
        return False


_FORMATS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "phone": (
        _is_phone,
        "no telephone number: 7 to 15 digits, with +, spaces, brackets or hyphens between them",
    ),
    "date": (_is_date, "no date: write it as 2026-07-31"),
    "number": (_is_number, "no number: digits with at most one decimal point"),
}


def plain(form: RecordForm, values: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that are nobody's personal data."""
    return {name: value for name, value in values.items() if not form.fields[name].personal}


def masked(values: Mapping[str, str], open_fields: Mapping[str, str]) -> dict[str, str]:
    """Show fields as every page and export shows them; words of a customer are hidden altogether.

    Args:
        values: All fields, as they were sealed.
        open_fields: Those that are not personal.
    """
    return {
        name: open_fields[name] if name in open_fields else _mask(name, value)
        for name, value in values.items()
    }


def is_masked(name: str, value: str) -> bool:
    """Say whether a value is what a mask leaves of one: masking it again changes nothing.

    Example:
        >>> [is_masked("name", "张**"), is_masked("name", "张三丰"), is_masked("words", "******")]
        [True, False, True]
    """
    return _mask(name, value) == value


def _mask(name: str, value: str) -> str:
    if name == "name":
        return mask_name(value)
    if name == "phone":
        return mask_phone(value)
    if name == "address":
        return mask_address(value)
    return HIDDEN


def identity(values: Mapping[str, str]) -> str:
    """Return what tells one customer from another: the telephone number, or else name and address.

    Example:
        >>> identity({"phone": "+86 138-1234-5678", "name": "张三"})
        'phone:13812345678'
    """
    phone = "".join(character for character in values.get("phone", "") if character.isdigit())
    if phone:
        return f"phone:{phone.removeprefix('00').removeprefix('86') if len(phone) > _DOMESTIC else phone}"
    return "name:" + "|".join(_squeezed(values.get(name, "")) for name in ("name", "address"))


_DOMESTIC = 12
"""Digits of the longest Chinese number without its country code."""


def place(values: Mapping[str, str], product: str) -> str:
    """Return what tells where, and on what, a matter arose; empty without an address."""
    address = _squeezed(values.get("address", ""))
    return f"place:{address}|{product}" if address else ""


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold()
