"""Every exchange, queue, binding and limit, in one place.

    intake of a site ─▶ jiandu.intake.<site> ─▶ jiandu.inbound ─┬▶ jiandu.handling
                                                                 ├▶ jiandu.callback
    handling ─▶ jiandu.from.handling ──────┬▶ callback, scoring  └▶ jiandu.scoring
    callback ─▶ jiandu.from.callback ──────┼▶ handling, scoring
    scoring  ─▶ jiandu.from.scoring  ──────┼▶ registry; anyone (HR, BI): see docs/score-events.md
    registry ─▶ jiandu.from.registry ──────┴▶ everyone
                 (routing key = stream: a site, `group` or `all`)  ─▶ jiandu.intake.<site>

A site's exchange feeds one inner exchange, so the group needs no list of sites. The gate that checks
signatures will stand there.
"""

from dataclasses import dataclass
from typing import Any

PREFIX = "jiandu"
INBOUND = f"{PREFIX}.inbound"
REQUESTS = f"{PREFIX}.requests"

DELIVERY_LIMIT = 1000
"""Redeliveries after crashes before the broker gives a message up. Stated, because the default differs
between RabbitMQ 3.10 (none) and 4.x (20); far above any crash count, because a failed message is
counted and parked by us."""

GROUP_SERVICES = ("handling", "callback", "scoring", "registry")

FOLLOWS = {
    "handling": ("inbound", "callback", "registry"),
    "callback": ("inbound", "handling", "registry"),
    "scoring": ("inbound", "handling", "callback", "scoring", "registry"),
    "registry": ("scoring",),
    "intake": ("handling", "callback", "registry"),
}
"""Who consumes what. A consumer binds all of a source. Scoring follows itself, so that every fact comes one way."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable topic exchange. ``into``: another exchange that gets everything from it."""

    name: str
    into: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue with its arguments and its bindings (exchange, routing key)."""

    name: str
    bindings: tuple[tuple[str, str], ...] = ()
    arguments: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Topology:
    """What one service declares before it speaks or listens."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    publishes_to: str
    main: str
    requests: str


def follows(service: str) -> tuple[str, ...]:
    """Return whose events ``service`` consumes."""
    return FOLLOWS[service]


def member(service: str, site: str) -> str:
    """Name a service instance on the broker: ``handling``, ``intake.chongqing``."""
    return f"{service}.{site}" if service == "intake" else service


def exchange_of(service: str, site: str) -> str:
    """Name the exchange that a service publishes to."""
    return f"{PREFIX}.intake.{site}" if service == "intake" else f"{PREFIX}.from.{service}"


def owner_of(source: str) -> str:
    """Name the service instance whose log ``source`` is, as in :func:`member`."""
    _, service, stream, _ = source.split("/")
    return member(service, stream)


def topology(service: str, site: str) -> Topology:
    """Return everything that ``service`` (at ``site``) declares."""
    own = exchange_of(service, site)
    main = f"{PREFIX}.{member(service, site)}"
    requests = f"{main}.requests"
    exchanges = [
        Exchange(INBOUND),
        Exchange(REQUESTS),
        *(Exchange(exchange_of(name, "")) for name in GROUP_SERVICES),
    ]
    if service == "intake":
        exchanges.append(Exchange(own, into=INBOUND))
    keys = (site, "all") if service == "intake" else ("#",)
    bindings = tuple(
        (INBOUND if followed == "inbound" else exchange_of(followed, ""), key)
        for followed in FOLLOWS[service]
        for key in keys
    )
    quorum = (("x-queue-type", "quorum"), ("x-delivery-limit", DELIVERY_LIMIT))
    queues = [Queue(requests, ((REQUESTS, member(service, site)),), quorum)]
    if bindings:
        queues.append(Queue(main, bindings, quorum))
    return Topology(tuple(exchanges), tuple(queues), own, main, requests)
