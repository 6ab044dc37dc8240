"""RabbitMQ: the only importer of aio_pika. Topology, relay (out) and follower (in).

The broker only carries. Everything in it can be rebuilt from the logs.
"""

from shared.messaging.follower import Decision, Follower, Following, Record
from shared.messaging.link import BrokerDownError
from shared.messaging.relay import Relay
from shared.messaging.topology import Topology, follows, topology

__all__ = [
    "BrokerDownError",
    "Decision",
    "Follower",
    "Following",
    "Record",
    "Relay",
    "Topology",
    "follows",
    "topology",
]
