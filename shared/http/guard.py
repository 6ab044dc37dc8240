"""The middleware around every service: a name for each request, and a limit to its body."""

from http import HTTPStatus

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import problem
from shared.runtime.ids import fresh

MAX_BODY = 1_000_000
_MOST_DIGITS = 20


class Guard:
    """Gives every request an id, and refuses bodies over the limit before they are read."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["request_id"] = fresh()  # names a request, not a fact

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        headers = dict(scope["headers"])
        if b"transfer-encoding" in headers or not _fits(headers.get(b"content-length", b"0")):
            detail = f"A request body may have up to {MAX_BODY} bytes and must state its length."
            refused = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail, Request(scope))
            await refused(scope, receive, named)
            return
        await self._app(scope, receive, named)


def _fits(length: bytes) -> bool:
    # Python refuses to read a number of thousands of digits, be they zeros.
    return length.isdigit() and len(length) <= _MOST_DIGITS and int(length) <= MAX_BODY
