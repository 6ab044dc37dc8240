"""A load client that costs little: prepared bytes over kept connections, so that the server is what is measured."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and when."""

    status: int
    body: bytes
    seconds: float
    at: float

    def json(self) -> Any:  # noqa: ANN401  # whatever the service answered
        """Return the body as JSON."""
        return orjson.loads(self.body)


class Line(asyncio.Protocol):
    """One kept connection: a request at a time."""

    def __init__(self) -> None:
        """Not connected yet."""
        self._buffer = bytearray()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # asyncio gives TCP this kind
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect until the reply is whole."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._waiting is None:
            return
        head = bytes(self._buffer[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        waiting, self._waiting = self._waiting, None
        waiting.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError())

    async def ask(self, request: bytes) -> Reply:
        """Send a request; return the reply."""
        assert self._transport is not None  # noqa: S101  # Lines come out of `Wire` connected
        self._waiting = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        self._transport.write(request)
        status, body = await self._waiting
        now = time.perf_counter()
        return Reply(status, body, now - began, now)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def request(method: str, path: str, body: object = None, *, token: str = "", key: str = "") -> bytes:
    """Return the bytes of a request."""
    content = b"" if body is None else orjson.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(content)}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Idempotency-Key: {key}"] if key else []
    return "\r\n".join([*lines, "", ""]).encode() + content


async def lines_to(url: str, count: int) -> list[Line]:
    """Open kept connections to a service."""
    loop = asyncio.get_running_loop()
    where = urlsplit(url)
    host, port = where.hostname or "127.0.0.1", where.port or 80
    opened = [await loop.create_connection(Line, host, port) for _ in range(count)]
    return [line for _, line in opened]


async def storm(lines: Sequence[Line], requests: Iterable[bytes]) -> tuple[list[Reply], float]:
    """Send all requests over the lines, each line one at a time. Returns replies and seconds in all."""
    feed = iter(requests)
    replies: list[Reply] = []

    async def work(line: Line) -> None:
        for one in feed:
            replies.append(await line.ask(one))

    began = time.perf_counter()
    await asyncio.gather(*(work(line) for line in lines))
    return replies, time.perf_counter() - began
