"""Fixtures of the contract tests: a database of its own for each test, on the shared servers."""

from collections.abc import AsyncIterator

import pytest

from jiandu.stack.stack import Stack
from shared.storage.database import Database, open_database
from tests.conftest import FreshName


@pytest.fixture
async def database(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Database]:
    """A fresh database, dropped afterwards."""
    async with open_database(servers.mongo_url, fresh_name("db")) as opened:
        yield opened
        await opened.drop()


@pytest.fixture
async def other_database(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Database]:
    """A second fresh database: that of the service at the other end."""
    async with open_database(servers.mongo_url, fresh_name("db")) as opened:
        yield opened
        await opened.drop()
