"""The CloudEvents 1.0 record around one event, and its exact bytes.

The bytes are stored, hashed and sent as they are: structured JSON, keys sorted, decimals as strings.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar, cast, overload
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.events.views import Data, view_class

GENESIS = "0" * 64
"""Hash before the first entry of a log."""


class Event(BaseModel):
    """A fact. Immutable, and complete enough that a consumer never calls back.

    An attribute of the class itself, ``TYPE`` among them, costs what a small call does, for pydantic's classes look
    it up in Python: in a loop over many facts take it once, or ask a ``Views``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]

    @classmethod
    def view(cls, data: Data) -> Self:
        """View the data of such an event as it travels: its fields alone, each decoded when it is read.

        It is no model: nothing is validated or compared. See ``views``.
        """
        return cast("Self", view_class(cls, cls.upcast)(data))

    @classmethod
    def of(cls, data: Data) -> Self:
        """Read such an event whole, also from data that an earlier release recorded. Raises ``ValueError``."""
        return cls.model_validate(cls.upcast(data))

    @classmethod
    def upcast(cls, data: Data) -> Data:
        """Bring data that an earlier release recorded up to date, where a type has any; leave data of today as it is."""
        return data

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Make ``view`` the class of the type's views itself: one call on the hot path, without a detour."""
        if "TYPE" not in vars(cls):
            return  # no event of the catalogue: a part of some, or an answer made of one
        is_plain = next(base for base in cls.__mro__ if "upcast" in vars(base)) is Event
        setattr(cls, "view", view_class(cls, None if is_plain else cls.upcast))  # noqa: B010  # mypy: a method


A = TypeVar("A", bound=Event)
B = TypeVar("B", bound=Event)
C = TypeVar("C", bound=Event)
T_co = TypeVar("T_co", covariant=True)

Views = Mapping[str, Callable[[Data], T_co]]
"""Type → what views the data of such an event."""


class Viewed(Protocol[T_co]):
    """A type of event, seen from what several of them have in common."""

    @property
    def TYPE(self) -> str: ...  # noqa: D102, N802  # as ``Event`` has it

    def view(self, data: Data, /) -> T_co: ...  # noqa: D102  # as ``Event`` has it


@overload
def views_of(kind: type[A], other: type[B], /) -> Views[A | B]: ...
@overload
def views_of(kind: type[A], other: type[B], third: type[C], /) -> Views[A | B | C]: ...
@overload
def views_of(*kinds: Viewed[T_co]) -> Views[T_co]: ...
def views_of(*kinds: Viewed[Any]) -> Views[Any]:
    """Return the views of several types, for who reads alike what they have in common."""
    return {kind.TYPE: kind.view for kind in kinds}


@dataclass(frozen=True, slots=True)
class Happened:
    """An event and the moment at which it happened. What a domain function returns.

    Attributes:
        unit: The unit that the fact is about, where that is no longer the unit of the record; else empty.
    """

    event: Event
    time: datetime
    unit: str = ""


class Sealed(BaseModel):
    """Personal data under a customer's key (AES-GCM). Open it with that service's vault."""

    model_config = ConfigDict(frozen=True)

    key: str = Field(description="Id of the customer's key.")
    box: str = Field(description="Nonce and ciphertext, base64.")


class Envelope(BaseModel):
    """One event as it travels and as the log keeps it.

    Attributes:
        source: The log it stands in: ``jiandu/<service>/<stream>/<epoch>``.
        sequence: Gapless per source; finds loss. 0 until the sequencer gives it.
        ordinal: Gapless per source and subject; restores order.
        time: When it happened. ``recordedtime``: when the server wrote it down; never scored.
        unit: The unit that the fact is about.
        edition: Name of the rulebook edition that decided it, with its hash.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    group: str
    unit: str
    edition: str = ""
    editionhash: str = ""
    sequence: int = 0
    ordinal: int
    recordedtime: AwareDatetime
    correlationid: str
    causationid: str | None = None
    traceparent: str | None = None
    data: dict[str, Any]


def source_of(service: str, stream: str, epoch: int = 1) -> str:
    """Name the log of ``service`` for ``stream`` (a site, or ``all``/``group``)."""
    return f"jiandu/{service}/{stream}/{epoch}"


def stream_of(source: str) -> str:
    """Return the stream part of a source, which is also its routing key."""
    return source.split("/")[2]


def event_id(source: str, subject: str, ordinal: int) -> UUID:
    """Return the id that the ``ordinal``-th event of ``subject`` in ``source`` always has.

    Doing the same work again gives the same id, so a repeated save cannot make a second event.
    """
    return uuid5(NAMESPACE_URL, f"{source}#{subject}#{ordinal}")


def customer_key_of(record: Mapping[str, Any]) -> str:
    """Return the id of the customer key that an event's sealed data needs; "" where it needs none."""
    sealed = record["data"].get("sealed")
    key = sealed.get("key") if isinstance(sealed, dict) else None
    return key if isinstance(key, str) else ""


def to_bytes(record: Mapping[str, Any]) -> bytes:
    """Return the exact bytes of an envelope: sorted keys, no spaces, UTF-8."""
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def chain_hash(previous: str, body: bytes) -> str:
    """Return the hash that ties ``body`` to everything before it in its log."""
    return hashlib.sha256(previous.encode() + body).hexdigest()


def iso(moment: datetime) -> str:
    """Write an instant as everywhere in the product: UTC, microseconds only when there are any."""
    return str(orjson.loads(orjson.dumps(moment, option=orjson.OPT_UTC_Z)))
