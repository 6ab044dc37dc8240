"""A registry on real MongoDB, seeded from a rulebook folder, and those who call it. The broker is away."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from httpx2 import ASGITransport, AsyncClient, Response

from services.registry.app import create_app, serving
from services.registry.handlers import Registry
from shared.runtime.settings import Settings
from shared.service.context import ServiceContext
from tests.builders_rules import RULEBOOKS
from tests.contract.callback_world import KEY, PASSWORD
from tests.contract.intake_world import NO_BROKER


def settings_of(mongo_url: str, prefix: str, group: str = "jinke") -> Settings:
    key = base64.b64encode(KEY).decode()
    given: dict[str, Any] = {
        "group": group,
        "mongo_url": mongo_url,
        "amqp_url": NO_BROKER,
        "database_prefix": prefix,
        "token_secret": key,
        "site_key": key,
        "group_key": key,
        "rulebooks": RULEBOOKS,
        "seed_password": PASSWORD,
        "log_level": "CRITICAL",
    }
    return Settings(**given)


@dataclass
class Office:
    """A running registry."""

    context: ServiceContext
    use: Registry
    http: AsyncClient

    def bearer(self, role: str) -> dict[str, str]:
        accounts = self.context.directory.accounts
        account = next(name for name, one in accounts.items() if one["role"] == role and not one["revoked"])
        token = self.context.access.sign_in(account, PASSWORD, self.context.clock()).token
        return {"Authorization": f"Bearer {token}"}

    async def post(self, path: str, body: Mapping[str, Any] | None, role: str) -> Response:
        return await self.http.post(f"/v1{path}", json=body, headers=self.bearer(role))

    async def get(self, path: str, role: str) -> Response:
        return await self.http.get(f"/v1{path}", headers=self.bearer(role))


@asynccontextmanager
async def an_office(settings: Settings) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(serving(settings))
        app = create_app()
        app.state.context, app.state.use = service.context, service.use
        transport = ASGITransport(app=app)
        http = await stack.enter_async_context(AsyncClient(transport=transport, base_url="http://registry"))
        yield Office(service.context, service.use, http)


def files(office: Office, **changed: str) -> dict[str, str]:
    """Return the files of the edition in force, some of them changed."""
    return {**office.context.directory.edition.files, **changed}
