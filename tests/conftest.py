"""Fixtures that every test may use. Servers are started when the first test asks for them."""

import itertools
import os
import secrets
from collections.abc import Iterator
from typing import Protocol

import pytest

from jiandu.stack.guard import guarded
from jiandu.stack.stack import Stack


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Real MongoDB and RabbitMQ, one pair for the whole run, also for one with several workers.

    A run that is killed leaves none behind either: the guard outlives it and clears up.
    """
    run = tmp_path_factory.getbasetemp()
    folder = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "stack"
    with guarded(folder):
        yield Stack.servers(folder)


class FreshName(Protocol):
    """Makes names."""

    def __call__(self, prefix: str = "t") -> str:
        """Give a name that was never used before: for a database, a queue, a virtual host."""


@pytest.fixture(scope="session")
def fresh_name() -> FreshName:
    """Names by which tests keep apart what they store in the servers that they share."""
    run = secrets.token_hex(3)
    numbers = itertools.count(1)

    def name(prefix: str = "t") -> str:
        return f"{prefix}_{run}_{next(numbers)}"

    return name
