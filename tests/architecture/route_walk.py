"""Every route of every service, and a sensible call of each: what the tests of rights walk over."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any
from uuid import uuid4

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from shared.http.callers import caller

SERVICES = ("registry", "intake", "handling", "callback", "scoring")


@dataclass(frozen=True, slots=True)
class Route:
    """One route. ``right``: None where it asks for no session, empty where any session will do."""

    service: str
    method: str
    path: str
    right: str | None
    headers: frozenset[str]

    @property
    def name(self) -> str:
        """As the tables below name it."""
        return f"{self.service} {self.method} {self.path}"


@cache
def routes() -> tuple[Route, ...]:
    """List every route, without starting anything."""
    return tuple(route for service in SERVICES for route in _routes_of(service))


def _routes_of(service: str) -> Iterator[Route]:
    app = import_module(f"services.{service}.app").create_app()
    for found in iter_route_contexts(app.routes):
        one = found.original_route
        rights = _rights(one.dependant) if isinstance(one, APIRoute) else set()
        headers = frozenset(_headers(one.dependant)) if isinstance(one, APIRoute) else frozenset[str]()
        right = max(rights) if rights else None
        for method in sorted((found.methods or set()) - {"HEAD"}):
            yield Route(service, method, str(found.path), right, headers)


def _rights(dependant: Dependant) -> set[str]:
    """Return the rights that a route asks for; the empty one stands for any session."""
    own = {str(getattr(one.call, "right", "")) for one in dependant.dependencies if _asks(one)}
    return own.union(*(_rights(one) for one in dependant.dependencies))


def _asks(dependant: Dependant) -> bool:
    return dependant.call is caller or hasattr(dependant.call, "right")


def _headers(dependant: Dependant) -> set[str]:
    own = {str(one.alias) for one in dependant.header_params}
    return own.union(*(_headers(one) for one in dependant.dependencies))


# --- calls


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call of a route says besides its path."""

    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


BRANCH = "chongqing-branch"
MONTH = "2026-07"
_PURPOSE = {"purpose": "核对地址"}

ASKED = {
    "registry POST /v1/units": Asked(
        {
            "unit": "chongqing-desk-9",
            "kind": "sales-desk",
            "parent": BRANCH,
            "site": "chongqing",
            "name_zh": "九处",
            "name_en": "desk 9",
            "established_on": "2026-07-01",
        }
    ),
    "registry POST /v1/units/{unit}/activation": Asked(),
    "registry POST /v1/units/{unit}/records": Asked({"since": "2026-08-01", "name_zh": "新名"}),
    "registry POST /v1/trainings": Asked(
        {"course": "service", "person": "x1", "unit": BRANCH, "on": "2026-07-01", "passed": True}
    ),
    "registry POST /v1/people/{person}/leaving": Asked({"on": "2026-08-01"}),
    "registry POST /v1/deputies": Asked(
        {
            "person": "x1",
            "role": "branch-head",
            "unit": BRANCH,
            "deputy": "x2",
            "since": "2026-07-01",
            "until": "2026-07-08",
        }
    ),
    "registry POST /v1/units/{unit}/closing": Asked({"closes_on": "2026-08-01"}),
    "registry POST /v1/appointments": Asked(
        {"person": "x1", "name": "某", "unit": BRANCH, "role": "caller", "since": "2026-07-01"}
    ),
    "registry POST /v1/opinions": Asked(
        {
            "opinion": "o1",
            "unit": BRANCH,
            "role": "branch-head",
            "person": "x1",
            "favourable": True,
            "reasons": "熟悉",
        }
    ),
    "registry POST /v1/accounts": Asked(
        {
            "account": "x1",
            "person": "x1",
            "name": "某",
            "unit": BRANCH,
            "role": "caller",
            "password": "correct horse battery",
        }
    ),
    "registry POST /v1/accounts/{account}/revocation": Asked({"reason": "试"}),
    "registry POST /v1/editions": Asked({"files": {"rulebook.yaml": "name: x"}}),
    "registry POST /v1/overlays": Asked(
        {"overlay": "o1", "unit": BRANCH, "files": {"callback.yaml": "plans: {}"}}
    ),
    "registry POST /v1/overlays/{overlay}/ending": Asked({"ends_on": "2026-08-01", "reason": "试"}),
    "registry POST /v1/rulings": Asked(
        {"ruling": "r1", "edition": "2005", "clause": "JK-04", "text": "从宽"}
    ),
    "intake POST /v1/complaints": Asked(
        {"unit": BRANCH, "kind": "complaint", "channel": "visit", "fields": {"name": "某"}}
    ),
    "intake POST /v1/complaints/{complaint_id}/amendments": Asked(
        {"fields": {"demand": "退款"}, "reason": "补充"}
    ),
    "intake POST /v1/complaints/{complaint_id}/reveal": Asked(_PURPOSE),
    "intake POST /v1/customers": Asked({"unit": BRANCH, "name": "某", "phone": "13800000000"}),
    "intake PUT /v1/customers/{customer}": Asked({"name": "某", "phone": "13800000000"}),
    "intake POST /v1/customers/{customer}/flags": Asked({"evidence": {"abuse": "录音"}}),
    "intake POST /v1/customers/{customer}/flags/decision": Asked({"confirmed": True, "reason": "属实"}),
    "intake POST /v1/customers/{customer}/flags/review": Asked({"keep": True, "reason": "复核"}),
    "intake POST /v1/complaints/{complaint_id}/papers/{document}": Asked(_PURPOSE),
    "intake POST /v1/praises": Asked({"unit": BRANCH, "to": "unit", "fields": {"name": "某", "words": "好"}}),
    "intake POST /v1/imports/declaration": Asked({"unit": BRANCH, "complete_up_to": "2026-07-01T00:00:00Z"}),
    "intake POST /v1/ledger": Asked(query={"unit": BRANCH}),
    "intake GET /v1/ledger": Asked(query={"month": MONTH}),
    "intake GET /v1/form": Asked(query={"kind": "complaint"}),
    "handling POST /v1/cases/{complaint_id}/commands": Asked({"do": "withdraw", "reason": "业主撤回"}),
    "callback GET /v1/summary": Asked(query={"month": MONTH, "unit": BRANCH}),
    "callback GET /v1/tasks": Asked(query={"unit": BRANCH}),
    "callback POST /v1/tasks/claim": Asked({"units": [BRANCH]}),
    "callback POST /v1/tasks/{complaint_id}/reveal": Asked(_PURPOSE),
    "callback POST /v1/tasks/{complaint_id}/attempts": Asked({"outcome": "unreachable"}),
    "scoring POST /v1/inspections": Asked({"kind": "monthly", "unit": BRANCH}),
    "scoring POST /v1/findings": Asked({"kind": "shirking", "unit": BRANCH, "reason": "推诿"}),
    "scoring POST /v1/duties": Asked({"obligation": "monthly-report", "unit": BRANCH, "period": MONTH}),
    "scoring POST /v1/assessments": Asked(
        {
            "person": "chongqing-officer-1",
            "unit": BRANCH,
            "month": MONTH,
            "scheme": "s",
            "part": "p",
            "score": "90",
        }
    ),
    "scoring POST /v1/figures": Asked({"figure": "turnover", "unit": BRANCH, "period": MONTH, "value": "1"}),
    "scoring POST /v1/rosters": Asked(
        {
            "roster": "duty",
            "unit": BRANCH,
            "person": "chongqing-officer-1",
            "start": "2026-07-01T00:00:00Z",
            "end": "2026-07-01T08:00:00Z",
        }
    ),
    "scoring POST /v1/disputes": Asked({"against": "posting", "about": "p1", "grounds": "已按期完成"}),
    "scoring POST /v1/disputes/{dispute}/advice": Asked({"uphold": True, "reasons": "属实"}),
    "scoring POST /v1/disputes/{dispute}/ruling": Asked({"upheld": True, "reasons": "属实"}),
    "scoring GET /v1/figures": Asked(query={"month": MONTH, "unit": BRANCH}),
    "scoring GET /v1/rosters": Asked(query={"month": MONTH, "unit": BRANCH}),
    "scoring POST /v1/postings/{posting}/ruling": Asked({"unit": BRANCH, "upheld": True, "reasons": "属实"}),
    "scoring POST /v1/periods/{period}/close": Asked(),
    "scoring GET /v1/inspections": Asked(query={"month": MONTH, "unit": BRANCH}),
    "scoring GET /v1/postings": Asked(query={"month": MONTH, "unit": BRANCH}),
    **{
        f"{service} POST /v1/operations/parked/{deed}": Asked({"ids": ["x"], **more})
        for service in SERVICES
        for deed, more in (("replay", dict[str, str]()), ("discard", {"reason": "试试"}))
    },
}
"""What a call says, where a route takes a body or a query. All of it is about the branch in Chongqing."""

ABOUT_NO_OTHER_UNIT = {
    "intake POST /v1/products": "files a product of the caller's own unit",
    **{
        f"registry POST /v1/editions/{{edition_hash}}/{deed}": "about an edition, which is every unit's"
        for deed in ("approval", "rejection", "filing")
    },
    "callback POST /v1/tasks/{complaint_id}/release": "takes no body",
    "callback POST /v1/campaigns": "asks whom the caller sees",
    "callback POST /v1/campaigns/{campaign_id}/draw": "takes no body",
    "intake POST /v1/partners/{channel}/outbox/{message_id}/receipt": "takes no body",
    **{f"{service} POST /v1/operations/log/verify": "takes no body" for service in SERVICES},
    **{f"{service} POST /v1/session": "signs in" for service in SERVICES},
}
"""Commands without a body in ``ASKED``, with the reason."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that a route would take, about given things."""

    route: Route
    path: str
    body: dict[str, Any] | None
    query: dict[str, str]
    key: str


def call_of(route: Route, things: dict[str, str]) -> Call:
    """Return the call of a route about ``things``: path parameter → value."""
    asked = ASKED.get(route.name, Asked())
    body = asked.body if route.method in {"POST", "PUT"} else None
    return Call(route, route.path.format(**things), body, asked.query, f"walk-{uuid4()}")
