"""Only who may import states when something happened, and nobody states what has not."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import ForbiddenError, InvalidInputError
from shared.rulebook.late_entry import IMPORT, happened_at

NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
SHANGHAI = datetime.fromisoformat("2026-07-01T09:00:00+08:00")


def test_what_nobody_dates_happens_now_and_what_an_importer_dates_then() -> None:
    assert happened_at((), None, NOW) == NOW
    # 09:00 in China is 01:00 UTC.
    assert happened_at((IMPORT,), SHANGHAI, NOW) == NOW - timedelta(hours=1)
    assert happened_at((IMPORT,), NOW, NOW) == NOW


def test_who_may_not_import_dates_nothing_back() -> None:
    """INVARIANT: nobody makes a deed timely by dating it.

    What breaks it: taking the moment that is stated before asking who states it.
    """
    with pytest.raises(ForbiddenError, match=IMPORT):
        happened_at(("complaints.register",), NOW - timedelta(days=2), NOW)


def test_what_has_not_happened_is_not_recorded() -> None:
    with pytest.raises(InvalidInputError) as refused:
        happened_at((IMPORT,), NOW + timedelta(microseconds=1), NOW, "received_at")

    assert [(one.field, one.reason) for one in refused.value.problems] == [
        ("received_at", "lies in the future")
    ]
