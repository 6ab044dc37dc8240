"""Services that answer by a script, behind the same HTTP client: what the demo meets when things are late or down."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx2
import orjson

from jiandu.demo.wire import Line, Wire

Reply = httpx2.Response | Exception
Answer = Callable[[httpx2.Request], Reply]


def refusal(status: int, code: str, **more: object) -> httpx2.Response:
    """Return problem details."""
    return httpx2.Response(
        status, json={"status": status, "code": code, "detail": f"Because of {code}.", **more}
    )


def answer(**data: object) -> httpx2.Response:
    return httpx2.Response(201, json=data)


@dataclass
class Service:
    """One service: signs anybody in, and answers the rest as told.

    Attributes:
        replies: Given one after another; then ``usual`` answers.
        strangers: How many times an account is not known.
    """

    usual: Answer = lambda request: answer(ok=True)
    replies: list[Reply] = field(default_factory=list)
    calls: list[httpx2.Request] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    strangers: int = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/session":
            if self.strangers:
                self.strangers -= 1
                return refusal(401, "unauthenticated")
            self.signed_in.append(orjson.loads(request.content)["account"])
            return httpx2.Response(200, json={"token": f"token-{len(self.signed_in)}"})
        self.calls.append(request)
        reply = self.replies.pop(0) if self.replies else self.usual(request)
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def posts(self) -> list[httpx2.Request]:
        return [call for call in self.calls if call.method == "POST"]

    @property
    def bodies(self) -> list[dict[str, object]]:
        return [orjson.loads(call.content) for call in self.posts]


def wire_to(services: Mapping[str, Service], *, patience_s: float = 5.0) -> Wire:
    """Return lines to these services, with short waits."""
    lines = {
        name: Line(
            name,
            httpx2.AsyncClient(base_url="http://service", transport=httpx2.MockTransport(service)),
            asyncio.Semaphore(4),
        )
        for name, service in services.items()
    }
    return Wire(lines, "a password", patience_s, first_wait_s=0.001, accounts_s=0.5)
