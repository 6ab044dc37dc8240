"""Claims about what the ledger knows of a complaint."""

from datetime import timedelta
from itertools import accumulate

from services.intake.domain.progress import Progress, dump, follow, follow_all, load
from shared.events import iso
from tests.unit.intake.builders import RECEIVED, a_record

DUE = iso(RECEIVED + timedelta(days=2))
OTHER = "6f0b4c1e-6c6f-4a86-9a31-7d5b6f1f0e11"
OPENED = a_record(
    "case.opened.v1", procedure="general", class_="general", next_due=DUE, person="李四", department="分部"
)
MISSED = a_record(
    "deadline.missed.v1",
    clock="facts",
    step="facts",
    occurrence=1,
    due_before=DUE,
    clause="JK-03",
    explanation_zh=["受理", "48 小时"],
    explanation_en=["received", "48 hours"],
)
CLOSED = a_record(
    "case.closed.v1",
    RECEIVED + timedelta(days=5),
    class_="general",
    validity="valid",
    way="explanation",
    outcome="已解释",
)


def test_an_opened_case_shows_procedure_next_due_and_who_answers() -> None:
    told = follow(Progress(), OPENED)

    assert (told.status, told.procedure, told.next_due, told.person) == ("open", "general", DUE, "李四")


def test_a_missed_deadline_shows_clause_and_explanation_in_both_languages() -> None:
    missed = follow(Progress(), MISSED).missed[0]

    assert (missed["clause"], missed["zh"], missed["en"]) == (
        "JK-03",
        ["受理", "48 小时"],
        ["received", "48 hours"],
    )


def test_a_cleared_deadline_is_no_longer_missed() -> None:
    cleared = a_record("deadline.cleared.v1", clock="facts", occurrence=1, due_before=DUE, reason="补录")

    assert follow_all(Progress(), [MISSED, cleared]).missed == ()


def test_an_appeal_upheld_takes_the_missed_deadline_away_and_one_refused_does_not() -> None:
    upheld = a_record("appeal.decided.v1", against="facts", upheld=True)
    by_event = a_record("appeal.decided.v1", against=MISSED["id"], upheld=True)
    refused = a_record("appeal.decided.v1", against="facts", upheld=False)

    assert follow_all(Progress(), [MISSED, upheld]).missed == ()
    assert follow_all(Progress(), [MISSED, by_event]).missed == ()
    assert len(follow_all(Progress(), [MISSED, refused]).missed) == 1


def test_the_same_deadline_told_again_is_one() -> None:
    assert len(follow_all(Progress(), [MISSED, MISSED]).missed) == 1


def test_the_life_of_a_case_shows_in_its_status() -> None:
    resolved = a_record("case.resolved.v1", way="explanation")
    reopened = a_record("case.reopened.v1", occurrence=2, reason="不满意", by="x")
    withdrawn = a_record("case.withdrawn.v1", reason="撤诉", by="x")
    merged = a_record("case.merged.v1", into=OTHER, reason="重复", by="x")
    parted = a_record("case.parted.v1", from_case=OTHER, reason="不同", by="x")
    story = [OPENED, merged, parted, resolved, CLOSED, reopened, withdrawn]

    statuses = [told.status for told in accumulate(story, follow, initial=Progress())]

    assert statuses == ["registered", "open", "merged", "open", "resolved", "closed", "open", "withdrawn"]


def test_a_reopened_case_is_counted_and_no_longer_closed() -> None:
    told = follow_all(Progress(), [OPENED, CLOSED, a_record("case.reopened.v1")])

    assert (told.reopened, told.closed_at) == (1, "")


def test_a_settlement_shows_way_amount_payer_and_whether_it_was_approved() -> None:
    proposed = a_record("settlement.proposed.v1", way="payment", amount="1200.00", payer="contractor")
    approved = a_record("settlement.approved.v1", way="payment", amount="1200.00", payer="contractor")

    assert follow(Progress(), proposed).settlement == {
        "way": "payment",
        "amount": "1200.00",
        "payer": "contractor",
        "approved_at": None,
    }
    assert follow_all(Progress(), [proposed, approved]).settlement == {
        "way": "payment",
        "amount": "1200.00",
        "payer": "contractor",
        "approved_at": approved["time"],
    }


def test_findings_steps_and_transfers_show_who_answers_for_what() -> None:
    finding = a_record("finding.made.v1", validity="invalid", class_="general", item="", procedure="invalid")
    step = a_record("step.completed.v1", step="facts", next_due=None)
    moved = a_record("case.transferred.v1", to_unit="chengdu-branch", person="王五", department="")
    changed = a_record("case.reclassified.v1", class_="explanation", item="", procedure="explanation")
    refused, accepted = a_record("result.refused.v1"), a_record("result.accepted.v1")
    up, agreed = a_record("case.escalated.v1", level=2), a_record("clock.changed.v1", due_before=DUE)
    assigned = a_record("case.assigned.v1", person="赵六", department="工程部")

    told = follow_all(
        Progress(), [OPENED, finding, step, moved, changed, refused, accepted, up, agreed, assigned]
    )

    assert (told.validity, told.class_, told.procedure, told.step) == (
        "invalid",
        "explanation",
        "explanation",
        "facts",
    )
    assert (told.unit, told.person, told.department) == ("chengdu-branch", "赵六", "工程部")
    assert (told.accepted, told.escalated, told.next_due) == (True, 2, DUE)


def test_a_callback_shows_its_window_attempts_and_answer() -> None:
    due = a_record("callback.due.v1", occurrence=1, earliest=DUE, due_before=DUE)
    tried = a_record("callback.attempted.v1", occurrence=1, attempt=2, outcome="unreachable")
    answered = a_record("callback.completed.v1", occurrence=1, satisfaction=4, satisfied=True, solved=True)
    missed = a_record("callback.missed.v1", occurrence=1, due_before=DUE, clause="JK-27")
    nobody = a_record("callback.unreachable.v1", occurrence=1, attempts=3)

    answer = follow_all(Progress(), [due, tried, answered]).callback
    late = follow_all(Progress(), [due, missed]).callback
    silent = follow_all(Progress(), [due, nobody]).callback

    assert answer is not None
    assert (answer["result"], answer["satisfaction"], answer["attempts"]) == ("completed", 4, 2)
    assert late is not None
    assert (late["result"], late["clause"]) == ("missed", "JK-27")
    assert silent is not None
    assert (silent["result"], silent["attempts"]) == ("unreachable", 3)


def test_what_the_ledger_does_not_show_changes_nothing() -> None:
    assert follow(Progress(), a_record("power.used.v1")) == Progress()
    assert follow(Progress(), a_record("something.new.v7")) == Progress()


def test_what_was_written_is_read_back_and_nothing_told_takes_no_room() -> None:
    told = follow_all(Progress(), [OPENED, MISSED])

    assert load(dump(told)) == told
    assert dump(Progress()) == {}
