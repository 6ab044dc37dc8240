"""The quarter that nothing disturbs, played once for all journeys."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.journeys.quarter import Quarter, playing


@pytest.fixture(scope="session")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quarter]:
    """Return the undisturbed quarter. Its services run until a journey ends them, or all journeys have ended."""
    with ExitStack() as running:
        quarter = running.enter_context(playing(tmp_path_factory.mktemp("undisturbed")))
        yield replace(quarter, end=running.close)
