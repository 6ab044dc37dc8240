"""A site is ready once it knows everybody that the registry was filled with, and then for good."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from pydantic import SecretStr

from jiandu.stack.stack import Stack
from services.intake import app as intake
from services.registry import app as registry
from shared.runtime.settings import Settings
from shared.service.context import ServiceContext
from shared.storage.database import open_database
from tests.builders_rules import RULEBOOKS
from tests.conftest import FreshName
from tests.contract.callback_world import PASSWORD, settings_for, until
from tests.contract.intake_world import NO_BROKER

pytestmark = pytest.mark.connected


@pytest.fixture
async def headquarters(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Settings]:
    name = fresh_name("arrival")
    given = {"rulebooks": RULEBOOKS, "seed_password": SecretStr(PASSWORD)}
    settings = settings_for(servers.mongo_url, servers.broker.vhost(name), name).model_copy(update=given)
    yield settings
    for database in (settings.database("registry"), at_site(settings).database("intake")):
        async with open_database(servers.mongo_url, database) as opened:
            await opened.drop()


def at_site(settings: Settings, **changed: object) -> Settings:
    return settings.model_copy(update={"site": "chongqing", **changed})


async def signed_in(context: ServiceContext, account: str) -> httpx2.Response:
    app = intake.create_app()
    app.state.context = context
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://site") as http:
        return await http.post("/v1/session", json={"account": account, "password": PASSWORD})


async def test_a_site_is_ready_once_every_account_is_here_and_stays_so_without_broker_and_registry(
    headquarters: Settings,
) -> None:
    """INVARIANT: whoever has an account can sign in where the site says that it is ready.

    What breaks it: saying so at the first record that arrives, or asking the registry anew at each start.
    """
    async with intake.serving(at_site(headquarters)) as running:
        site = running.context
        empty, too_early = await site.ready(), await signed_in(site, "chongqing-head")
        async with registry.serving(headquarters):

            async def ready() -> bool:
                return not await site.ready()

            await until(ready)
            # rulebooks/jinke/organisation.yaml: leader, HR, head, two officers, caller, two desk officers,
            # property officer, engineer, importer and operator of Chongqing. Other sites' accounts never come here.
            here = set(site.directory.accounts)
    async with intake.serving(at_site(headquarters, amqp_url=SecretStr(NO_BROKER))) as running:
        again = running.context
        later, head = await again.ready(), await signed_in(again, "chongqing-head")
        stranger = await signed_in(again, "chengdu-head")

    assert empty.keys() == {"edition", "directory"}
    assert (too_early.status_code, too_early.json()["code"]) == (503, "directory-on-its-way")
    assert too_early.headers["retry-after"]
    assert len(here) == 12
    assert {name.partition("-")[0] for name in here} == {"chongqing"}
    assert (later, head.status_code, stranger.status_code) == ({}, 200, 401)


async def test_the_registry_tells_how_much_it_was_filled_with(headquarters: Settings) -> None:
    """Counted in rulebooks/jinke/organisation.yaml.

    Units: headquarters, six each of Chongqing and Chengdu, five each of Wuxi and Changsha, two of Jiangyin.
    """
    async with registry.serving(headquarters) as running:
        told = running.context.directory.filled
        assert await running.context.ready() == {}

    assert told == {
        "units": 1 + 6 + 6 + 5 + 5 + 2,
        "people": 7 + 12 + 12 + 11 + 11 + 2,
        "accounts": {"group": 7, "chongqing": 12, "chengdu": 12, "wuxi": 11, "changsha": 11},
    }
