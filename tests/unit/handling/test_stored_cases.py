"""A case that the release before stored is the same case under this one."""

from datetime import UTC, datetime

from services.handling.domain.case import Asked, Case, Done, Repeat

NOON = "2026-07-01T12:00:00Z"
AT = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_what_was_called_run_and_rounds_is_read_as_occurrence_and_repeats() -> None:
    case = Case.model_validate(
        {
            "complaint_id": "00000000-0000-0000-0000-000000000001",
            "number": "CQ-202607-00001A",
            "site": "chongqing",
            "unit": "chongqing",
            "kind": "complaint",
            "class_": "service",
            "channel": "telephone",
            "received_at": NOON,
            "registered_at": NOON,
            "customer": "c-1",
            "charges": [{"since": NOON, "unit": "chongqing"}],
            "settled_up_to": NOON,
            "done": [{"step": "reply", "run": 2, "at": NOON, "by": "li"}],
            "asked": [{"step": "reply", "run": 2, "at": NOON, "by": "li"}],
            "rounds": [{"at": NOON, "cause": "refused", "direct": ["reply"]}],
        }
    )
    assert case.done == (Done(step="reply", occurrence=2, at=AT, by="li"),)
    assert case.asked == (Asked(step="reply", occurrence=2, at=AT, by="li"),)
    assert case.repeats == (Repeat(at=AT, cause="refused", direct=("reply",)),)
    assert case.done_now("reply") == case.done[0]
