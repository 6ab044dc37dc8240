"""The rulebook and the smallest quarter, played once for all tests."""

import pytest

from jiandu.demo.quarter import scenario
from jiandu.demo.scenario import Scenario
from services.scoring.domain.fold import PeriodResult
from shared.rulebook.edition import Edition
from tests.unit.demo.rehearsal import Rehearsal, jinke


@pytest.fixture(scope="session")
def edition() -> Edition:
    return jinke()


@pytest.fixture(scope="session")
def smallest(edition: Edition) -> Scenario:
    """Return the quarter with only the stories that show everything."""
    return scenario(edition, complaints=0)


@pytest.fixture(scope="session")
def played(smallest: Scenario, edition: Edition) -> Rehearsal:
    return Rehearsal.of(smallest, edition)


@pytest.fixture(scope="session")
def results(played: Rehearsal, smallest: Scenario) -> dict[str, PeriodResult]:
    """Return what the smallest quarter comes to, period by period."""
    return played.results(smallest)
