"""The pages of every service: they answer, load nothing from elsewhere, and can be switched off."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from urllib.parse import urljoin, urlsplit

import pytest
from httpx2 import ASGITransport, AsyncClient

from shared.runtime.settings import Settings
from shared.service.api_pages import INSTALLED, OWN, POLICY
from tests.architecture.route_walk import SERVICES

HERE = "http://service.test"
PAGES = ("/", "/docs")
_LOADED = re.compile(r"""(?:src|href)\s*=\s*["']([^"']*)|url\(\s*["']?(?!["']?data:)([^"')]+)|@import""")
_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@dataclass
class HttpContext:
    """As much of a running service as the pages need."""

    service: str
    settings: Settings
    missing: dict[str, str] = field(default_factory=dict)

    async def ready(self) -> dict[str, str]:
        return self.missing


def settings(*, api_pages: bool, site: str = "group") -> Settings:
    given = {"mongo_url": "mongodb://db", "amqp_url": "amqp://mq", "site": site, "api_pages": api_pages}
    return Settings.model_validate(
        {**given, **dict.fromkeys(("token_secret", "site_key", "group_key"), _KEY)}
    )


@asynccontextmanager
async def browsing(context: HttpContext) -> AsyncIterator[AsyncClient]:
    app = import_module(f"services.{context.service}.app").create_app()
    app.state.context = context
    async with AsyncClient(transport=ASGITransport(app), base_url=HERE) as client:
        yield client


def loaded(text: str, page: str) -> list[str]:
    """Every address that a page or a style sheet refers to, made whole."""
    return [urljoin(f"{HERE}{page}", first or second) for first, second in _LOADED.findall(text)]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_page_loads_only_from_its_own_service_and_all_of_it_is_there(service: str, page: str) -> None:
    """INVARIANT: the pages work in a network that reaches nothing else.

    What breaks it: an address of another origin in a page or in its style sheet, or a file that is not served.
    """
    async with browsing(HttpContext(service, settings(api_pages=True))) as client:
        answer = await client.get(page)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == POLICY
        addresses = loaded(answer.text, page)
        assert len(addresses) >= 3
        for address in addresses:
            assert urlsplit(address)[:2] == urlsplit(HERE)[:2], address
            there = await client.get(address)
            assert there.status_code == 200, address
            if there.headers["content-type"].startswith("text/css"):
                assert loaded(there.text, urlsplit(address).path) == []


@pytest.mark.parametrize("page", [*PAGES, *(f"/docs/{asset}" for asset in (*OWN, *INSTALLED))])
async def test_switched_off_a_page_is_as_if_it_were_not_there(page: str) -> None:
    async with browsing(HttpContext("intake", settings(api_pages=False))) as client:
        answer, nothing = await client.get(page), await client.get("/v1/nothing")

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert answer.json() | {"request_id": ""} == nothing.json() | {"request_id": ""}


def test_the_pages_are_off_unless_somebody_wants_them() -> None:
    assert Settings.model_fields["api_pages"].default is False


async def test_what_is_no_file_of_the_pages_is_not_there() -> None:
    async with browsing(HttpContext("intake", settings(api_pages=True))) as client:
        found = [
            (await client.get(f"/docs/{name}")).status_code for name in ("nothing.js", "..%2f__init__.py")
        ]

    assert found == [404, 404]


async def test_the_policy_lets_no_other_origin_in() -> None:
    sources = {
        source
        for rule in POLICY.split("; ")
        for source in rule.split()[1:]
        if rule.split()[0].endswith("-src")
    }

    assert POLICY.startswith("default-src 'none'; ")
    assert sources == {"'none'", "'self'", "data:"}
    assert "script-src 'self';" in POLICY


@pytest.mark.parametrize(
    ("missing", "chinese", "english"),
    [
        ({}, "集团 jinke，站点 wuxi：已就绪。", "Group jinke, site wuxi: ready."),
        (
            {"edition": "No <edition> yet."},
            "集团 jinke，站点 wuxi：未就绪。",
            "Group jinke, site wuxi: not ready. No &lt;edition&gt; yet.",
        ),
    ],
)
async def test_the_first_page_says_who_answers_and_whether_it_can_work(
    missing: dict[str, str], chinese: str, english: str
) -> None:
    async with browsing(HttpContext("intake", settings(api_pages=True, site="wuxi"), missing)) as client:
        text = (await client.get("/")).text

    assert "<h1>监督 Jiandu · intake</h1>" in text
    assert (chinese in text, english in text) == (True, True)
    assert text.index(chinese) < text.index(english)
