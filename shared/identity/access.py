"""Who is calling, and what they may do.

Role and unit come from the credential, never from path or body. The code says which right a route
needs; the rulebook says which role has it.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from shared.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from shared.events import Sealed
from shared.identity.directory import GROUP, AwaitedError, Directory
from shared.identity.vault import open_secret

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's minimum for argon2id: 19 MiB, two passes."""

_NO_ONE = _HASHER.hash("no such account")
_SEEN = 2_000

LENT = frozenset({"editions.approve", "cases.approve"})
"""What a deputy may do in the absent holder's place: approve, which is recorded with for whom."""


def hash_password(password: str) -> str:
    """Return the argon2id hash to store."""
    return _HASHER.hash(password)


def is_password(hashed: str, password: str) -> bool:
    """Say whether a stored hash is that of ``password``."""
    try:
        return _HASHER.verify(hashed, password)
    except VerificationError:
        return False


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated account: who, where, and with which rights.

    Attributes:
        stands_for: Absent people and their roles, in which this person approves today.
    """

    account: str
    person: str
    unit: str
    role: str
    rights: frozenset[str]
    sees_all: bool
    stands_for: tuple[tuple[str, str], ...] = ()

    def must(self, right: str) -> None:
        """Refuse unless the role has ``right``.

        Raises:
            ForbiddenError: It has not.
        """
        if right not in self.rights:
            msg = f"Role '{self.role}' lacks the right '{right}'. Ask headquarters who has it."
            raise ForbiddenError(msg)


@dataclass(frozen=True, slots=True)
class Session:
    """What signing in gives."""

    token: str
    expires_at: datetime
    caller: Caller


class Access:
    """Signs people in and recognises them again.

    Args:
        audience: Site whose tokens are accepted; a token of one site is worthless at another.
    """

    def __init__(
        self, directory: Directory, audience: str, secret: bytes, group_key: bytes, hours: float
    ) -> None:
        """No IO happens here."""
        self._directory, self._audience, self._group_key = directory, audience, group_key
        self._key = OctKey.import_key(secret)
        self._lasts = timedelta(hours=hours)
        self._seen: OrderedDict[str, tuple[int, float, Caller]] = OrderedDict()

    def sign_in(self, account: str, password: str, now: datetime) -> Session:
        """Check a password and give a session. Works from the local copy, without the broker.

        Raises:
            UnauthenticatedError: Unknown account, wrong password or revoked; the message is the same.
            AwaitedError: The account is not known, and the first accounts are still on their way.
        """
        known = self._directory.accounts.get(account)
        if known is None and (awaited := self._directory.awaited(self._audience)):
            msg = f"{awaited} Try again in a moment."
            raise AwaitedError(msg)
        usable = known is not None and not known["revoked"]
        stored = open_secret(self._group_key, Sealed(**known["secret"])) if known and usable else _NO_ONE
        try:
            _HASHER.verify(stored, password)
        except VerificationError:
            usable = False
        if not usable:
            msg = "Account and password do not match, or the account was revoked."
            raise UnauthenticatedError(msg)
        expires = now + self._lasts
        token = jwt.encode(
            {"alg": "HS256"},
            {
                "iss": "jiandu",
                "aud": self._audience,
                "sub": account,
                "iat": int(now.timestamp()),
                "exp": int(expires.timestamp()),
            },
            self._key,
        )
        return Session(token, expires, self._caller(account))

    def recognise(self, token: str, now: datetime) -> Caller:
        """Return who a token belongs to.

        Raises:
            UnauthenticatedError: Forged, expired, of another site, or revoked.
        """
        seen = self._seen.get(token)
        if seen and seen[0] == self._directory.version and now.timestamp() < seen[1]:
            return seen[2]
        try:
            decoded = jwt.decode(token, self._key, algorithms=["HS256"])
            jwt.JWTClaimsRegistry(
                now=int(now.timestamp()),
                iss={"essential": True, "value": "jiandu"},
                aud={"essential": True, "value": self._audience},
                exp={"essential": True},
                sub={"essential": True},
            ).validate(decoded.claims)
        except (JoseError, ValueError) as error:
            msg = "The session is not valid here, or has expired. Sign in again."
            raise UnauthenticatedError(msg) from error
        caller = self._caller(decoded.claims["sub"])
        self._seen[token] = (self._directory.version, float(decoded.claims["exp"]), caller)
        while len(self._seen) > _SEEN:
            self._seen.popitem(last=False)
        return caller

    def _caller(self, account: str) -> Caller:
        known = self._directory.accounts.get(account)
        if known is None or known["revoked"]:
            msg = "The account was revoked. Ask headquarters."
            raise UnauthenticatedError(msg)
        person, today = known["person"], self._directory.today
        if self._directory.has_left(person, today):
            msg = "The person whose account this is has left. Ask headquarters."
            raise UnauthenticatedError(msg)
        roles = self._directory.edition.slices[-1][1].rights.roles
        role = roles.get(known["role"])
        stands_for = self._directory.stands_for(person, today)
        lent = {right for _, one in stands_for if one in roles for right in roles[one].rights}
        return Caller(
            account=account,
            person=person,
            unit=known["unit"],
            role=known["role"],
            rights=frozenset(role.rights if role else ()) | (lent & LENT),
            sees_all=bool(role and role.sees_all),
            stands_for=stands_for,
        )

    def sees(self, caller: Caller, unit: str) -> bool:
        """Say whether ``unit`` lies in the caller's subtree."""
        return caller.sees_all or self._directory.within(unit, caller.unit)

    def units_of(self, caller: Caller) -> list[str] | None:
        """Return the units of the caller's subtree; None: all there are."""
        return None if caller.sees_all else self._directory.below(caller.unit)

    def must_see(self, caller: Caller, unit: str, what: str) -> None:
        """Refuse what lies outside the caller's subtree, in the words of something that is not there.

        Raises:
            NotFoundError: It does.
        """
        if not self.sees(caller, unit):
            msg = f"There is no {what}."
            raise NotFoundError(msg)

    def operates(self, caller: Caller) -> bool:
        """Say whether a caller with the right may look behind this site's services.

        Headquarters' services know every site's accounts and hold every unit's matters, so there it is who
        sees all; a subsidiary's site knows its own accounts only.
        """
        return caller.sees_all or self._audience != GROUP
