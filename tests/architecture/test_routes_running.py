"""The walk over all routes on running services: as nobody, as another unit, with a revoked account."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from jiandu.stack.plan import Process, Service, Surroundings
from jiandu.stack.server import stop_all, wait_all
from jiandu.stack.stack import Stack
from tests.architecture.route_walk import SERVICES, Call, Route, call_of, routes
from tests.conftest import FreshName
from tests.contract.message_path import eventually

pytestmark = [pytest.mark.connected, pytest.mark.journey]

WITHIN_S = 60
CUSTOMER = {
    "name": "欧阳查验",
    "phone": "13912345678",
    "words": "楼道灯不亮",
    "address": "重庆市江北区1号",
    "project": "金科十年城",
    "demand": "说明原因",
    "first-taker": "chongqing-officer-1",
}
OFFICER, HEAD, LEAVER = "chongqing-officer-1", "chongqing-head", "chongqing-officer-2"
ALL_HANDS = ("chengdu-head", "chengdu-importer", "chengdu-hr")
"""Between them they have nearly every right of the rulebook, at Chengdu."""

OUTSIDE_CALLING_HOURS = ("callback POST /v1/tasks/claim", 409)
"""The one refusal that comes before any unit is looked at; it depends on when the test runs."""

NO_SUCH = "00000000-0000-4000-8000-000000000000"

DESK = "chongqing-desk-1-officer"
"""Inside Chongqing's site, but below the branch whose matter it is."""


@dataclass
class System:
    """The running services, one matter of Chongqing's branch that went through all of them, and sessions."""

    client: httpx2.AsyncClient
    urls: dict[str, str]
    password: str
    things: dict[str, str] = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def traces(self) -> tuple[str, ...]:
        """What shows that an answer tells of the branch's matter."""
        own = (self.things["complaint_id"], self.things["number"], self.things["customer"])
        return (*own, "chongqing-branch", *CUSTOMER.values())

    async def sign_in(self, service: str, account: str) -> int:
        """Sign in, and keep the session."""
        answer = await self.client.post(
            f"{self.urls[service]}/v1/session", json={"account": account, "password": self.password}
        )
        if answer.status_code == 200:
            self.tokens[service, account] = answer.json()["token"]
        return answer.status_code

    async def known(self, service: str, account: str) -> None:
        """Sign in as soon as the service has heard of the account."""

        async def there() -> bool:
            return await self.sign_in(service, account) == 200

        await eventually(there, f"{account} at {service}", WITHIN_S)

    async def send(self, call: Call, token: str = "") -> httpx2.Response:
        """Send a call."""
        headers = {"Idempotency-Key": call.key} | ({"Authorization": f"Bearer {token}"} if token else {})
        url = f"{self.urls[call.route.service]}{call.path}"
        return await self.client.request(
            call.route.method, url, json=call.body, params=call.query, headers=headers
        )

    async def ask(
        self, service: str, method: str, path: str, account: str, body: dict[str, Any] | None = None
    ) -> httpx2.Response:
        """Send a request of one's own making."""
        route = Route(service, method, path, "", frozenset())
        return await self.send(
            Call(route, path, body, {}, f"own-{path}-{account}"[:120]), self.tokens[service, account]
        )

    async def there(self, service: str, path: str, account: str) -> None:
        """Wait until something can be read."""

        async def answers() -> bool:
            return (await self.ask(service, "GET", path, account)).status_code == 200

        await eventually(answers, f"{service} {path}", WITHIN_S)


@pytest.fixture(scope="module")
def urls(servers: Stack, fresh_name: FreshName) -> Iterator[dict[str, str]]:
    """One process for each service, on databases and a virtual host of its own."""
    amqp_url = servers.broker.vhost(fresh_name("walk"))
    env = {"JIANDU_DATABASE_PREFIX": fresh_name("walk")}
    around = Surroundings("jinke", servers.mongo_url, amqp_url)
    started = {
        service: Service(
            Process(f"walk-{service}", service, "chongqing" if service == "intake" else "group", env),
            around,
            servers.file,
        )
        for service in SERVICES
    }
    try:
        for service in started.values():
            service.spawn()
        wait_all(list(started.values()), lambda service: None)
        yield {name: service.url for name, service in started.items()}
    finally:
        stop_all(list(started.values()))


@pytest.fixture(scope="module")
async def system(servers: Stack, urls: dict[str, str]) -> AsyncIterator[System]:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        running = System(client, urls, servers.file.secret("seed-password"))
        at_group = [service for service in SERVICES if service != "intake"]
        for account in (OFFICER, HEAD, LEAVER, DESK):
            await running.known("intake", account)
        for account in ("director", OFFICER, HEAD, LEAVER, *ALL_HANDS):
            for service in at_group:
                await running.known(service, account)
        await a_closed_matter(running)
        yield running


async def a_closed_matter(system: System) -> None:
    """Let the branch register a question, explain it, close it; the callback falls due."""
    body = {"kind": "complaint", "class": "explanation", "channel": "visit", "fields": CUSTOMER}
    registered = await system.ask("intake", "POST", "/v1/complaints", OFFICER, body)
    assert registered.status_code == 201, registered.text
    complaint = registered.json()["complaint_id"]
    shown = (await system.ask("intake", "GET", f"/v1/complaints/{complaint}", OFFICER)).json()
    system.things.update(
        complaint_id=complaint,
        number=shown["number"],
        customer=shown["customer"],
        unit="chongqing-branch",
        account=OFFICER,
        edition_hash="0" * 64,
        overlay="norms-1",
        person="chongqing-officer-1",
        posting="0" * 36,
        period="2026-07",
        document="work-order",
        asset="swagger-ui.css",
        channel="hotline",
        message_id=NO_SUCH,
        campaign_id=NO_SUCH,
        dispute=NO_SUCH,
        ranking="monthly",
    )
    await system.there("handling", f"/v1/cases/{complaint}", OFFICER)
    for account, deed in (
        (OFFICER, {"do": "complete-step", "step": "explain", "outcome": "当面解释"}),
        (HEAD, {"do": "close", "outcome": "已办结"}),
    ):
        done = await system.ask("handling", "POST", f"/v1/cases/{complaint}/commands", account, deed)
        assert done.status_code == 200, done.text
    await system.there("callback", f"/v1/tasks/{complaint}", OFFICER)


async def answers(
    system: System, wanted: Iterable[Route], token_of: Callable[[Route], str]
) -> dict[str, httpx2.Response]:
    asked = [(route, call_of(route, system.things)) for route in wanted]
    sent: list[Awaitable[httpx2.Response]] = [system.send(call, token_of(route)) for route, call in asked]
    return dict(zip((route.name for route, _ in asked), await asyncio.gather(*sent), strict=True))


def closed_routes() -> list[Route]:
    return [route for route in routes() if route.right is not None]


def leaks(system: System, answer: httpx2.Response) -> bool:
    return any(trace in answer.text for trace in system.traces)


def told(found: dict[str, httpx2.Response]) -> dict[str, str]:
    return {name: f"{answer.status_code} {answer.text[:200]}" for name, answer in found.items()}


@pytest.mark.parametrize("token", ["", "not-a-token"])
async def test_nobody_is_answered(system: System, token: str) -> None:
    """INVARIANT: without a session every closed route answers 401, whatever else is wrong with the request.

    What breaks it: reading the record before asking who calls.
    """
    found = await answers(system, closed_routes(), lambda _: token)

    assert told({name: one for name, one in found.items() if one.status_code != 401}) == {}


async def test_open_routes_tell_nothing_of_a_matter(system: System) -> None:
    found = await answers(
        system, [one for one in routes() if one.right is None and one.method == "GET"], lambda _: ""
    )

    assert told({name: one for name, one in found.items() if not one.is_success or leaks(system, one)}) == {}


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("intake", "/v1/complaints/{complaint_id}"),
        ("intake", "/v1/customers/{customer}"),
        ("handling", "/v1/cases/{complaint_id}/history"),
        ("callback", "/v1/tasks/{complaint_id}"),
    ],
)
async def test_the_branch_itself_sees_its_matter(system: System, service: str, path: str) -> None:
    """Shows that the refusals below are not those of a wrong path."""
    answer = await system.ask(service, "GET", path.format(**system.things), OFFICER)

    assert answer.status_code == 200
    assert leaks(system, answer)


@pytest.mark.parametrize("account", ALL_HANDS)
async def test_another_subsidiary_gets_no_data_and_changes_none(system: System, account: str) -> None:
    """INVARIANT: what lies outside the caller's subtree answers 403, or 404 like what is not there.

    What breaks it: a route that looks a record up by its id and forgets ``must_see``.
    """
    wanted = [route for route in closed_routes() if route.service != "intake"]

    found = await answers(system, wanted, lambda route: system.tokens[route.service, account])

    refused = {name for name, one in found.items() if one.status_code in {403, 404}}
    refused |= {name for name, one in found.items() if (name, one.status_code) == OUTSIDE_CALLING_HOURS}
    read = {route.name for route in wanted if route.method == "GET" and found[route.name].status_code == 200}
    assert told({name: one for name, one in found.items() if name not in refused | read}) == {}
    seen = {name: one for name, one in found.items() if one.is_success and leaks(system, one)}
    assert told(seen) == {}


async def test_a_desk_of_the_same_site_gets_no_data_of_the_branch(system: System) -> None:
    wanted = [
        route for route in closed_routes() if route.service == "intake" and "products" not in route.path
    ]

    found = await answers(system, wanted, lambda _: system.tokens["intake", DESK])

    odd = {name: one for name, one in found.items() if one.status_code not in {200, 403, 404}}
    assert told(odd) == {}
    seen = {name: one for name, one in found.items() if one.is_success and leaks(system, one)}
    assert told(seen) == {}
    assert {name.split()[1] for name, one in found.items() if one.is_success} == {"GET"}


async def test_a_session_of_headquarters_is_worthless_at_a_site(system: System) -> None:
    wanted = [route for route in closed_routes() if route.service == "intake"]

    found = await answers(system, wanted, lambda _: system.tokens["handling", HEAD])

    assert told({name: one for name, one in found.items() if one.status_code != 401}) == {}


async def test_an_account_of_another_subsidiary_cannot_sign_in_at_a_site(system: System) -> None:
    assert await system.sign_in("intake", "chengdu-head") == 401


async def test_a_revoked_account_is_shut_out_everywhere(system: System) -> None:
    """INVARIANT: revoking an account ends its running sessions at every service.

    What breaks it: trusting a token until it expires.
    """
    revoked = await system.ask(
        "registry", "POST", f"/v1/accounts/{LEAVER}/revocation", "director", {"reason": "离职"}
    )
    assert revoked.status_code == 201, revoked.text

    async def shut_out() -> bool:
        asked = [system.ask(service, "GET", "/v1/positions", LEAVER) for service in SERVICES]
        return {answer.status_code for answer in await asyncio.gather(*asked)} == {401}

    await eventually(shut_out, "every service heard of it", WITHIN_S)
    found = await answers(system, closed_routes(), lambda route: system.tokens[route.service, LEAVER])

    assert told({name: one for name, one in found.items() if one.status_code != 401}) == {}
    assert {await system.sign_in(service, LEAVER) for service in SERVICES} == {401}
