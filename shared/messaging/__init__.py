"""RabbitMQ: the only importer of aio_pika. Topology, relay (out) and follower (in).

The broker only carries. Everything in it can be rebuilt from the logs.
"""

from shared.messaging.effects import Decision, Following
from shared.messaging.follower import Follower
from shared.messaging.link import BrokerDownError
from shared.messaging.publisher import Attach
from shared.messaging.reading import Record
from shared.messaging.relay import Relay
from shared.messaging.tending import Tending
from shared.messaging.topology import Topology, follows, topology

__all__ = [
    "Attach",
    "BrokerDownError",
    "Decision",
    "Follower",
    "Following",
    "Record",
    "Relay",
    "Tending",
    "Topology",
    "follows",
    "topology",
]
