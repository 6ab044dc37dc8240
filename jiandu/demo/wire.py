"""The services over HTTP: sessions, patience with what is on its way or down, and no patience with a refusal."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx2
import orjson

AT_ONCE = 64
"""Calls to one service process at once. Those that come together share their writes."""

PATIENCE_S = 300.0
"""How long one call is repeated while a service or the broker is away. A broker stopped for a minute only delays."""

ACCOUNTS_S = 30.0
"""How long after its start a service may not know an account yet."""

FIRST_WAIT_S = 0.3
"""Before a call is made again; each further wait is longer."""

_LONGEST_WAIT_S = 5.0
_SHORTER = 0.97
_LONGEST_LAG_S = 2.0
"""What takes longer is no lag but an outage, which says nothing about the next call."""
_TIMEOUT = httpx2.Timeout(30, pool=None)
_AWAY = frozenset({502, 503, 504})
_NOT_YET_HERE = "not-yet-here"

Answer = dict[str, Any]


class RefusedError(Exception):
    """A service refused what should have been accepted. The text is its own."""

    def __init__(self, what: str, status: int, problem: Mapping[str, Any]) -> None:
        """Say which call it was, and what the service answered."""
        self.status, self.code = status, str(problem.get("code", ""))
        fields = "; ".join(f"{one.get('field')}: {one.get('reason')}" for one in problem.get("problems", ()))
        detail = problem.get("detail", "no problem details")
        super().__init__(f"{what}: {status} {self.code}. {detail}{f' ({fields})' if fields else ''}")


class UnreachableError(Exception):
    """A service stayed away longer than anybody waits."""


class _UnknownAccountError(RefusedError):
    """The account was refused; just after the start it may be on its way from the registry."""


@dataclass(slots=True)
class Line:
    """The connections to one service process.

    Attributes:
        lag_s: How long events have lately taken to arrive there; a call that needs one waits so long first.
        repeated: Calls that had to be made again.
    """

    name: str
    client: httpx2.AsyncClient
    gate: asyncio.Semaphore
    sessions: dict[str, str] = field(default_factory=dict)
    signing_in: asyncio.Lock = field(default_factory=asyncio.Lock)
    lag_s: float = 0.0
    repeated: int = 0

    def learn(self, tries: int, took_s: float) -> None:
        """Learn from a call that needed an event: asking too early costs everybody, asking late only this call."""
        lag_s = self.lag_s * _SHORTER if tries == 1 else (self.lag_s + took_s) / 2
        self.lag_s = min(lag_s, _LONGEST_LAG_S)


@dataclass(slots=True)
class Wire:
    """Lines to every service process, by name: ``intake-chongqing``, ``handling``, ``callback-1``, ``scoring`` …"""

    lines: Mapping[str, Line]
    password: str
    patience_s: float = PATIENCE_S
    first_wait_s: float = FIRST_WAIT_S
    accounts_s: float = ACCOUNTS_S

    @property
    def repeated(self) -> int:
        """How many calls had to be made again because something was not there yet."""
        return sum(line.repeated for line in self.lines.values())

    def replicas(self, service: str) -> Sequence[str]:
        """Return the names of a service's processes."""
        return sorted(name for name in self.lines if name == service or name.startswith(f"{service}-"))

    async def post(
        self,
        name: str,
        account: str,
        path: str,
        body: Mapping[str, Any],
        *,
        key: str,
        early: frozenset[str] = frozenset(),
    ) -> Answer:
        """Post a command until it is answered.

        Args:
            key: Idempotency key; so repeating is safe, also where the first answer was lost.
            early: Codes of conflicts that pass once an event has arrived.

        Raises:
            RefusedError: The service refused it.
            UnreachableError: Nobody answered in time.
        """
        content = orjson.dumps(body)
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        answer: Answer = await self._until_answered(name, account, "POST", path, content, headers, early)
        return answer

    async def get(self, name: str, account: str, path: str) -> Any:  # noqa: ANN401  # whatever the route answers
        """Get a resource."""
        return await self._until_answered(name, account, "GET", path, b"", {}, frozenset())

    async def lines_of(self, name: str, account: str, path: str) -> AsyncIterator[bytes]:
        """Stream a resource, piece by piece."""
        line = self.lines[name]
        headers = {"Authorization": f"Bearer {await self._session(line, account)}"}
        async with line.client.stream("GET", path, headers=headers) as response:
            if not response.is_success:
                raise RefusedError(
                    f"GET {name}{path}", response.status_code, _problem(await response.aread())
                )
            async for piece in response.aiter_bytes():
                yield piece

    async def _until_answered(
        self,
        name: str,
        account: str,
        method: str,
        path: str,
        content: bytes,
        headers: Mapping[str, str],
        early: frozenset[str],
    ) -> Any:  # noqa: ANN401  # whatever the route answers
        line = self.lines[name]
        loop = asyncio.get_running_loop()
        began, wait_s, why, tries = loop.time(), self.first_wait_s, "", 0
        if early:
            await asyncio.sleep(line.lag_s)
        while loop.time() < began + self.patience_s:
            tries += 1
            try:
                async with line.gate:
                    token = await self._session(line, account)
                    response = await line.client.request(
                        method, path, content=content, headers={**headers, "Authorization": f"Bearer {token}"}
                    )
            except httpx2.TransportError as error:
                why = repr(error)
            except _UnknownAccountError as error:
                if loop.time() > began + self.accounts_s:
                    raise
                why = str(error)
            else:
                if response.is_success:
                    if early:
                        line.learn(tries, loop.time() - began)
                    return orjson.loads(response.content)
                problem = _problem(response.content)
                why = f"{response.status_code} {problem.get('code', '')}"
                if not self._may_pass(line, account, response.status_code, problem, early):
                    raise RefusedError(f"{method} {name}{path}", response.status_code, problem)
                wait_s = max(wait_s, _asked_to_wait(response))
            line.repeated += 1
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 1.6, _LONGEST_WAIT_S)
        raise UnreachableError(
            f"{method} {name}{path} was not answered within {self.patience_s:.0f} s: {why}"
        )

    def _may_pass(
        self, line: Line, account: str, status: int, problem: Mapping[str, Any], early: frozenset[str]
    ) -> bool:
        """Say whether the same call may succeed soon."""
        code = problem.get("code", "")
        if status == HTTPStatus.UNAUTHORIZED and line.sessions.pop(account, ""):
            return True
        return status in _AWAY or code == _NOT_YET_HERE or code in early

    async def _session(self, line: Line, account: str) -> str:
        """Return the account's token, signed in once."""
        if account not in line.sessions:
            async with line.signing_in:
                if account not in line.sessions:
                    line.sessions[account] = await self._sign_in(line, account)
        return line.sessions[account]

    async def _sign_in(self, line: Line, account: str) -> str:
        body = {"account": account, "password": self.password}
        response = await line.client.post("/v1/session", json=body)
        if response.status_code in _AWAY:
            raise httpx2.ConnectError(f"{line.name} cannot sign in now")
        if not response.is_success:
            what = f"{account} at {line.name}"
            raise _UnknownAccountError(what, response.status_code, _problem(response.content))
        return str(response.json()["token"])


def _asked_to_wait(response: httpx2.Response) -> float:
    """Return the seconds that a service asks for (Retry-After), up to our own longest wait."""
    asked = response.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_WAIT_S) if asked.isdecimal() else 0.0


def _problem(content: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {"detail": content[:200].decode("utf-8", errors="replace")}
    return found if isinstance(found, dict) else {"detail": str(found)[:200]}


@asynccontextmanager
async def wired(
    addresses: Mapping[str, str], password: str, *, at_once: int = AT_ONCE, patience_s: float = PATIENCE_S
) -> AsyncIterator[Wire]:
    """Hold connections to every service open.

    Args:
        addresses: Process name → address, for example ``handling`` → ``http://127.0.0.1:8001``.
    """
    async with AsyncExitStack() as stack:
        lines = {}
        for name, address in addresses.items():
            limits = httpx2.Limits(max_connections=at_once + 2, max_keepalive_connections=at_once + 2)
            client = httpx2.AsyncClient(base_url=address, timeout=_TIMEOUT, limits=limits, trust_env=False)
            lines[name] = Line(name, await stack.enter_async_context(client), asyncio.Semaphore(at_once))
        yield Wire(lines, password, patience_s)
