"""Claims about registering and amending."""

from datetime import timedelta

import pytest

from services.intake.domain.complaints import (
    Amendment,
    amend,
    amended,
    examine,
    id_of,
    number_of,
    register,
    revealed,
    site_code,
)
from services.intake.domain.forms import form_for
from shared.errors import InvalidInputError, KeyReusedError
from shared.events.intake import ComplaintRegistered
from shared.rulebook.schema import Rules
from shared.values.idempotency import MOST, Command, recall, remember
from tests.builders_rules import an_edition
from tests.unit.intake.builders import (
    A_BOX,
    FIELDS,
    RECEIVED,
    SITE,
    a_complaint,
    said,
    the_rules,
)

MINUTE = timedelta(minutes=1)


def problems_of(**changed: object) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as refused:
        examine(said(**changed), the_rules(), RECEIVED + MINUTE)
    return {problem.field: problem.reason for problem in refused.value.problems}


def test_a_matter_is_registered_now_unless_it_was_registered_earlier() -> None:
    now, earlier = RECEIVED + 2 * MINUTE, RECEIVED + MINUTE

    assert examine(said(), the_rules(), now).registered_at == now
    assert examine(said(registered_at=earlier), the_rules(), now).registered_at == earlier


def test_nobody_said_when_it_was_received_so_it_was_now() -> None:
    assert examine(said(received_at=None), the_rules(), RECEIVED).received_at == RECEIVED


def test_nothing_was_received_in_the_future() -> None:
    fields = problems_of(received_at=RECEIVED + MINUTE + timedelta(microseconds=1))

    assert fields == {"received_at": "lies in the future"}


def test_nothing_is_registered_before_it_was_received() -> None:
    assert problems_of(registered_at=RECEIVED - MINUTE) == {"registered_at": "lies before received_at"}


def test_every_fault_is_named_with_its_field_and_what_is_allowed() -> None:
    fields = problems_of(channel="pigeon", class_="none", flags=("odd",), fields={**FIELDS, "phone": ""})

    assert set(fields) == {"channel", "class", "flags", "fields.phone"}
    assert "telephone" in fields["channel"]
    assert "general-engineering" in fields["class"]


def test_an_unknown_kind_is_refused_before_anything_is_asked_of_its_form() -> None:
    assert set(problems_of(kind="parcel", fields={})) == {"kind"}


def test_a_kind_without_classes_takes_none() -> None:
    assert "class" in problems_of(kind="legal-letter", class_="general")


def test_an_item_is_a_row_of_the_classes_own_table() -> None:
    examined = examine(said(class_="general-engineering", item="water-leak"), the_rules_with_item(), RECEIVED)

    assert examined.said.item == "water-leak"
    assert problems_of(item="water-leak") == {"item": "class 'general' has no items"}
    assert "item" in problems_of(class_="general-engineering", item="nowhere")


def the_rules_with_item() -> Rules:
    rules = the_rules()
    table = rules.limits.tables["rectification"]
    row = next(iter(table.rows.values()))
    tables = {"rectification": table.model_copy(update={"rows": {**table.rows, "water-leak": row}})}
    return rules.model_copy(update={"limits": rules.limits.model_copy(update={"tables": tables})})


def test_a_defect_before_handover_states_when_the_flat_is_handed_over() -> None:
    fields = {name: FIELDS[name] for name in ("name", "phone", "words")}
    changed = {"kind": "pre-handover-defect", "class_": "", "fields": fields}

    assert set(problems_of(**changed)) == {"handover_on"}
    assert examine(said(**changed, handover_on=RECEIVED + MINUTE), the_rules(), RECEIVED).missing == (
        "address",
        "project",
    )


@pytest.mark.rule("JK-34")
@pytest.mark.parametrize("late", [{}, {"received_at": None}])
def test_a_flat_handed_over_by_the_receipt_has_no_defect_before_the_handover(late: dict[str, object]) -> None:
    """INVARIANT: no deadline lies before the receipt; one in a month that is closed could never be scored.

    What breaks it: taking the handover as it is said.
    """
    # Without a stated receipt it is now, a minute after RECEIVED.
    received = RECEIVED + MINUTE if late else RECEIVED
    changed = {"kind": "pre-handover-defect", "class_": "", "handover_on": received, **late}

    assert "not after the receipt" in problems_of(**changed)["handover_on"]


def test_the_same_key_of_the_same_unit_is_the_same_complaint() -> None:
    assert id_of("chongqing-branch", "key-0001") == id_of("chongqing-branch", "key-0001")
    assert id_of("chongqing-branch", "key-0001") != id_of("chongqing-desk", "key-0001")


def test_a_number_says_site_and_month_and_follows_from_the_id() -> None:
    # The last 30 bits of …0411 are 32 × 32 + 17: digits 0, 0, 0, 1, 0, 17, and 17 is H in Crockford's alphabet.
    number = number_of("chongqing", "202607", "00000000-0000-0000-0000-000000000411")

    assert number == "CQ-202607-00010H"


@pytest.mark.parametrize(
    ("site", "code"), [("xian", "X"), ("shanghai", "SH"), ("east-coast", "EC"), ("hq1", "HQ")]
)
def test_a_site_has_letters_of_its_own(site: str, code: str) -> None:
    assert site_code(site) == code


def test_the_event_carries_everything_and_the_customer_only_sealed() -> None:
    """INVARIANT: personal data travels sealed only.

    What breaks it: copying a field of the form into the event.
    """
    command = Command("key-0001", "digest", "request")
    _, event = register(
        examine(said(), the_rules(), RECEIVED),
        id_of("chongqing-branch", command.key),
        site=SITE,
        unit="chongqing-branch",
        month="202607",
        by="li-si",
        customer="c" * 32,
        problem_user=True,
        sealed=A_BOX,
        command=command,
        edition=an_edition().hash,
    )
    told = event.model_dump_json()

    assert ComplaintRegistered.model_validate_json(told) == event
    assert not [value for value in FIELDS.values() if value in told]


def test_filling_in_what_was_missing_makes_the_record_complete() -> None:
    values = {name: value for name, value in FIELDS.items() if name != "project"}
    form = form_for(the_rules(), "complaint")

    checked = amend(a_complaint(), values, Amendment({"project": "金科十年城"}, "补充"), form, RECEIVED)

    assert checked.missing == ()


def test_an_amendment_cannot_take_away_what_is_needed() -> None:
    form = form_for(the_rules(), "complaint")

    with pytest.raises(InvalidInputError) as refused:
        amend(a_complaint(), FIELDS, Amendment({"name": ""}, "更正"), form, RECEIVED)
    assert [problem.field for problem in refused.value.problems] == ["fields.name"]


@pytest.mark.parametrize("minutes", [-1, 1])
def test_an_amendment_happened_between_registration_and_now(minutes: int) -> None:
    form = form_for(the_rules(), "complaint")
    at = RECEIVED + minutes * MINUTE

    with pytest.raises(InvalidInputError):
        amend(a_complaint(), FIELDS, Amendment({"project": "一"}, "更正", at), form, RECEIVED)


def test_a_command_is_answered_again_and_another_body_under_its_key_is_not() -> None:
    command = Command("key-0001", "digest", "request")
    kept = remember((), command, {"status": "proposed"})

    assert recall(kept, Command("key-0001", "digest", "other request")) == {"status": "proposed"}
    assert recall(kept, Command("key-0002", "digest", "request")) is None
    with pytest.raises(KeyReusedError):
        recall(kept, Command("key-0001", "another", "request"))


def test_a_record_remembers_its_latest_commands_only() -> None:
    full = tuple({"key": f"key-{at}", "digest": "d", "answer": {}} for at in range(MOST))

    kept = remember(full, Command("new", "d", "request"), {})

    assert (len(kept), kept[0]["key"], kept[-1]["key"]) == (MOST, "key-1", "new")


def test_an_amendment_is_told_sealed_and_the_first_answer_stays() -> None:
    form = form_for(the_rules(), "complaint")
    command = Command("key-0002", "digest", "request")
    without = {name: value for name, value in FIELDS.items() if name != "project"}
    complaint = a_complaint(fields=without)
    checked = amend(complaint, without, Amendment({"project": "金科十年城"}, "补充"), form, RECEIVED)

    state, event = amended(complaint, checked, form, sealed=A_BOX, reason="补充", by="li-si", command=command)

    assert (state.missing, state.first_missing, event.complete) == ((), ("project",), True)
    assert recall(state.remembered, command) == {"complaint_id": state.id, "complete": True, "missing": []}


def test_whoever_looks_at_personal_data_is_told_with_the_purpose() -> None:
    state, event = revealed(a_complaint(), "上门核实", "li-si", Command("key-0003", "digest", "request"))

    assert (event.by, event.purpose, event.customer) == ("li-si", "上门核实", state.customer)
    assert "张三丰" not in str(state.remembered)


def test_nothing_is_registered_in_the_future() -> None:
    assert problems_of(registered_at=RECEIVED + 2 * MINUTE) == {"registered_at": "lies in the future"}
