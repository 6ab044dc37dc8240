"""Prepares MongoDB and RabbitMQ for the services: runs once, before they start. Doing it again changes nothing.

Sites are those with a password in the environment: ``JIANDU_BROKER_PASSWORD_<SITE>``.
"""

import asyncio
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx2
from pymongo import MongoClient

from jiandu.stack.mongo import form_set
from shared.broker import connection
from shared.broker.topology import GROUP_SERVICES, REQUESTS, Topology, topology

PASSWORD = "JIANDU_BROKER_PASSWORD_"  # noqa: S105  # the name of a variable
HEADQUARTERS = "group"
MEMBER = "mongodb:27017"
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Rights:
    """What a broker user may declare, publish to, and consume: regular expressions over names.

    Attributes:
        keys: Exchange → the routing keys by which a queue may be bound to it; any where it is not named.
    """

    configure: str
    write: str
    read: str
    keys: Mapping[str, str]


def rights_of(site: str) -> Rights:
    """Return what the broker user of ``site`` needs, and no more: a site cannot read what is another's."""
    if site == HEADQUARTERS:
        return Rights(r"^jiandu\.", r"^jiandu\.", r"^jiandu\.", {})
    needs = topology("intake", site)
    exchanges = [exchange.name for exchange in needs.exchanges]
    queues = [queue.name for queue in needs.queues]
    # RabbitMQ asks for `write` where a binding ends and for `read` where it begins.
    ends = [exchange.into for exchange in needs.exchanges if exchange.into]
    begins = [exchange.name for exchange in needs.exchanges if exchange.into]
    bound: dict[str, list[str]] = {}
    for source, key in (binding for queue in needs.queues for binding in queue.bindings):
        bound.setdefault(source, []).append(key)
    return Rights(
        configure=_only([*exchanges, *queues]),
        write=_only([needs.publishes_to, REQUESTS, *ends, *queues]),
        read=_only([*queues, *begins, *bound]),
        keys={source: _only(keys) for source, keys in bound.items()},
    )


def sites_in(environment: Mapping[str, str]) -> dict[str, str]:
    """Return site → password of its broker user."""
    return {
        name.removeprefix(PASSWORD).lower().replace("_", "-"): password
        for name, password in environment.items()
        if name.startswith(PASSWORD)
    }


def declared_by(sites: Iterable[str]) -> list[Topology]:
    """Return what all services of the installation declare."""
    group = [topology(service, HEADQUARTERS) for service in GROUP_SERVICES]
    return [*group, *(topology("intake", site) for site in sites if site != HEADQUARTERS)]


def prepare_database(url: str) -> None:
    """Form the replica set and wait for its primary.

    Raises:
        TimeoutError: There is none after a minute.
    """
    with MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=int(PATIENCE_S * 1000)) as client:
        form_set(client, MEMBER)
        until = time.monotonic() + PATIENCE_S
        while not client.admin.command("hello")["isWritablePrimary"]:
            if time.monotonic() > until:
                msg = f"MongoDB has had no primary for {PATIENCE_S:.0f} s. See `docker compose logs mongodb`."
                raise TimeoutError(msg)
            time.sleep(0.2)


def prepare_users(api: str, operator: tuple[str, str], sites: Mapping[str, str]) -> None:
    """Make each site's broker user, with its rights."""
    with httpx2.Client(base_url=api, auth=operator, timeout=10, trust_env=False) as client:
        for site, password in sites.items():
            rights = rights_of(site)
            user = {"password": password, "tags": ""}
            allowed = {"configure": rights.configure, "write": rights.write, "read": rights.read}
            client.put(f"/api/users/{quote(site)}", json=user).raise_for_status()
            client.put(f"/api/permissions/%2F/{quote(site)}", json=allowed).raise_for_status()
            for exchange, keys in rights.keys.items():
                topic = {"exchange": exchange, "write": ".*", "read": keys}
                client.put(f"/api/topic-permissions/%2F/{quote(site)}", json=topic).raise_for_status()


async def prepare_broker(url: str, topologies: Iterable[Topology]) -> None:
    """Declare every exchange and queue, so that no service speaks before the others can hear it."""
    async with connection.connected(url, "init") as broker:
        channel = await broker.channel()
        for wanted in topologies:
            await connection.declare(channel, wanted)


def main() -> None:
    """Prepare both, and say so."""
    sites = sites_in(os.environ)
    amqp_url = os.environ["JIANDU_AMQP_URL"]
    operator = httpx2.URL(amqp_url)
    prepare_database(os.environ["JIANDU_MONGO_URL"])
    _say("the replica set has its primary")
    prepare_users(os.environ["JIANDU_BROKER_API"], (operator.username, operator.password), sites)
    _say(f"broker users: {', '.join(sorted(sites))}")
    topologies = declared_by(sites)
    asyncio.run(prepare_broker(amqp_url, topologies))
    _say(f"{sum(len(one.queues) for one in topologies)} queues are declared")


def _only(names: Iterable[str]) -> str:
    return f"^({'|'.join(re.escape(name) for name in sorted(set(names)))})$"


def _say(what: str) -> None:
    sys.stdout.write(f"init: {what}\n")


if __name__ == "__main__":
    main()
