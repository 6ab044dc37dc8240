"""Every request has a name, and none brings more than a service reads."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from shared.http.guard import MAX_BODY, Guard


async def length_of(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def service() -> httpx2.AsyncClient:
    app = Guard(Starlette(routes=[Route("/", length_of, methods=["POST"])]))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://service")


async def test_a_body_up_to_the_limit_is_read(service: httpx2.AsyncClient) -> None:
    answer = await service.post("/", content=b"x" * MAX_BODY)

    assert (answer.status_code, answer.text) == (200, str(MAX_BODY))
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": str(MAX_BODY + 1)},
        {"Content-Length": "-1"},
        {"Content-Length": "2.0"},
        # Python reads no number of so many digits; it answered 500.
        {"Content-Length": "0" * 4400 + "2"},
        {"Transfer-Encoding": "chunked"},
    ],
)
async def test_a_body_over_the_limit_or_of_no_stated_length_is_refused_unread(
    service: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await service.post("/", content=b"{}", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
