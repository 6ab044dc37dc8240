"""Accounts over HTTP."""

from bisect import bisect_right
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.registry.api.entry import Slug, context_of, request_id, shown, use
from shared.events import Sealed
from shared.events.registry import AccountGranted
from shared.http.callers import needs
from shared.http.parameters import Body
from shared.identity.access import Caller, hash_password, is_password
from shared.identity.vault import open_secret, seal_secret

router = APIRouter(prefix="/v1")


class NewAccount(Body):
    """An account for a person."""

    account: Slug
    person: Slug
    name: str = Field(min_length=1, max_length=50)
    unit: Slug
    role: str
    password: str = Field(min_length=10, max_length=200)


class AccountPage(BaseModel):
    """One page of accounts, in order of name. ``next``: cursor of the following page."""

    accounts: list[dict[str, Any]]
    next: str | None


class Revocation(Body):
    """Why an account is revoked."""

    reason: str = Field(min_length=1, max_length=500)


@router.get("/accounts", tags=["accounts"])
async def accounts(
    request: Request,
    who: Annotated[Caller, needs("accounts.manage")],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=100, description="``next`` of the page before.")] = "",
) -> AccountPage:
    """List accounts in the caller's subtree, revoked ones too. Password hashes are never shown."""
    context = context_of(request)
    known = context.directory.accounts
    mine = sorted(name for name, one in known.items() if context.access.sees(who, one["unit"]))
    names = mine[bisect_right(mine, cursor) :][:limit]
    return AccountPage(
        accounts=[shown(known[name]) for name in names], next=names[-1] if len(names) == limit else None
    )


@router.post("/accounts", status_code=201, tags=["accounts"])
async def grant(
    body: NewAccount, request: Request, who: Annotated[Caller, needs("accounts.manage")]
) -> dict[str, Any]:
    """Grant an account. The same account with the same password again changes nothing.

    A name is never given twice, not even after revocation.
    """
    context = context_of(request)
    context.access.must_see(who, body.unit, "such unit")
    subject = f"account/{body.account}"
    secret = seal_secret(context.settings.group_key, subject, hash_password(body.password))
    event = AccountGranted(**body.model_dump(exclude={"password"}), secret=secret)
    asked = body.model_dump(exclude={"password"})

    def is_same(known: dict[str, Any]) -> bool:
        hashed = open_secret(context.settings.group_key, Sealed(**known["secret"]))
        same = not known["revoked"] and asked == {name: known[name] for name in asked}
        return same and is_password(hashed, body.password)

    return shown(await use(request).organisation.grant(event, request_id(request), is_same))


@router.post("/accounts/{account}/revocation", status_code=201, tags=["accounts"])
async def revoke(
    account: str, body: Revocation, request: Request, who: Annotated[Caller, needs("accounts.manage")]
) -> dict[str, Any]:
    """Revoke an account and its sessions. Doing it again changes nothing."""
    context = context_of(request)
    known = context.directory.accounts.get(account)
    context.access.must_see(who, str(known["unit"]) if known else "", "such account")
    return shown(await use(request).organisation.revoke(account, body.reason, request_id(request)))
