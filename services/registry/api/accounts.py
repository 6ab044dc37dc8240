"""Accounts over HTTP."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from services.registry.api.entry import Accounts, Slug, Use
from services.registry.api.views import AccountView
from shared.events import Sealed
from shared.events.registry import AccountGranted
from shared.http.pages import Cursor, Limit, Page, page_from
from shared.http.parameters import Body
from shared.identity.access import hash_password, is_password
from shared.identity.vault import open_secret, seal_secret
from shared.service.entry import Context, RequestId

router = APIRouter(prefix="/v1", tags=["accounts"])


class NewAccount(Body):
    """An account for a person."""

    account: Slug
    person: Slug
    name: str = Field(min_length=1, max_length=50)
    unit: Slug
    role: str
    password: str = Field(min_length=10, max_length=200)


class Revocation(Body):
    """Why an account is revoked."""

    reason: str = Field(min_length=1, max_length=500)


@router.get("/accounts", summary="List accounts")
async def accounts(context: Context, who: Accounts, cursor: Cursor, limit: Limit = 50) -> Page[AccountView]:
    """List accounts in the caller's subtree, revoked ones too, in order of name."""
    known = context.directory.accounts
    mine = {name: one for name, one in known.items() if context.access.sees(who, one["unit"])}
    return page_from(mine, cursor, limit, AccountView.model_validate)


@router.post("/accounts", status_code=201, summary="Grant an account")
async def grant(
    body: NewAccount, use: Use, context: Context, request: RequestId, who: Accounts
) -> AccountView:
    """Grant an account. The same account with the same password again changes nothing.

    A name is never given twice, not even after revocation.
    """
    context.access.must_see(who, body.unit, "such unit")
    subject = f"account/{body.account}"
    secret = seal_secret(context.settings.group_key, subject, hash_password(body.password))
    event = AccountGranted(**body.model_dump(exclude={"password"}), secret=secret)
    asked = body.model_dump(exclude={"password"})

    def is_same(known: dict[str, Any]) -> bool:
        hashed = open_secret(context.settings.group_key, Sealed(**known["secret"]))
        same = not known["revoked"] and asked == {name: known[name] for name in asked}
        return same and is_password(hashed, body.password)

    granted = await use.organisation.grant(event, request, is_same)
    return AccountView.model_validate(granted)


@router.post("/accounts/{account}/revocation", status_code=201, summary="Revoke an account")
async def revoke(
    account: str, body: Revocation, use: Use, context: Context, request: RequestId, who: Accounts
) -> AccountView:
    """Revoke an account and its sessions. Doing it again changes nothing."""
    known = context.directory.accounts.get(account)
    context.access.must_see(who, str(known["unit"]) if known else "", "such account")
    revoked = await use.organisation.revoke(account, body.reason, request)
    return AccountView.model_validate(revoked)
