"""A route for the one call that must be fast: registering.

FastAPI's solving of dependencies costs more than the registration itself. This route does by hand what it
would do, in the same order and with the same answers, and is declared like any other, so that the schema and
the walk over all routes see it.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, cast

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.types import Receive, Scope, Send

from services.intake.handlers import Intake
from shared.http.callers import HttpContext, recognised
from shared.http.parameters import Body, refuse_unknown
from shared.identity.access import Caller
from shared.values.idempotency import Command, Digest

_KEY = re.compile(r"[\x21-\x7e]{8,128}")
_KEY_HEADER, _KEY_AT = b"idempotency-key", ("header", "Idempotency-Key")

Flaw = dict[str, Any]


class DirectRoute(APIRoute):
    """A route whose endpoint takes exactly ``body``, ``who``, ``command`` and ``use``, and returns a response."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:  # noqa: ANN401  # FastAPI's own
        """Read the body's type and the right from the endpoint's declaration."""
        super().__init__(path, endpoint, **more)
        self._answer = cast("Callable[..., Awaitable[Response]]", endpoint)
        annotation = endpoint.__annotations__["body"]
        self._body: TypeAdapter[Body] = TypeAdapter(annotation)
        rights = [getattr(one.call, "right", None) for one in self.dependant.dependencies]
        self._right = next(right for right in rights if right)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        # Of a header that comes twice the first counts, as on every other route.
        headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        context: HttpContext = scope["app"].state.context
        who: Caller = recognised(context, headers.get(b"authorization", b"").decode("latin-1"))
        who.must(self._right)
        refuse_unknown(scope["query_string"], self)
        raw = await Request(scope, receive).body()
        key = headers.get(_KEY_HEADER, b"").decode("latin-1")
        body = self._read(raw, headers, _flaws_of(key))
        command = Command(key, Digest.of(raw), scope["request_id"])
        use: Intake = scope["app"].state.use
        response = await self._answer(body=body, who=who, command=command, use=use)
        await response(scope, receive, send)

    def _read(self, raw: bytes, headers: dict[bytes, bytes], flaws: list[Flaw]) -> Body:
        if not _says_json(headers.get(b"content-type", b"")):
            flaws.append(_flaw(("body",), "send JSON, with Content-Type: application/json"))
            raise RequestValidationError(flaws)
        try:
            body = self._body.validate_json(raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            flaws += [{**one, "loc": ("body", *one["loc"])} for one in found]
        if flaws:
            raise RequestValidationError(flaws)
        return body


def _says_json(content_type: bytes) -> bool:
    kind = content_type.partition(b";")[0].strip().lower()
    return kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json"))


def _flaws_of(key: str) -> list[Flaw]:
    if not key:
        return [_flaw(_KEY_AT, "Field required")]
    return [] if _KEY.fullmatch(key) else [_flaw(_KEY_AT, "8 to 128 visible ASCII characters")]


def _flaw(at: tuple[str, ...], reason: str) -> Flaw:
    return {"type": "value_error", "loc": at, "msg": reason}
