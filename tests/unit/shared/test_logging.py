"""What an operator's dashboard looked for in the log of earlier releases is still found there."""

import json
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from shared.runtime import logging
from shared.runtime.logging import FORMERLY
from tests.architecture.tree import ROOT, modules


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What the service's log would hold."""
    before = structlog.get_config()
    written = StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logging.configure("INFO", "handling", "hq")
    yield written
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()


def test_an_event_that_was_renamed_says_its_former_name(log: StringIO) -> None:
    logger = structlog.get_logger()
    logger.warning("consumer.gap", source="intake/chongqing")
    logger.info("scoring.published", period="2026-07")

    renamed, kept = map(json.loads, log.getvalue().splitlines())

    assert (renamed["event"], renamed["formerly"]) == ("consumer.gap", FORMERLY["consumer.gap"])
    assert "formerly" not in kept


def test_every_event_with_a_former_name_is_logged() -> None:
    code = "".join(path.read_text("utf-8") for path in modules() if (ROOT / "tests") not in path.parents)
    assert [name for name in FORMERLY if code.count(f'"{name}"') < 2] == []
