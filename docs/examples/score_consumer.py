"""Print every point that scoring gives or takes. Needs aio-pika, and the address of the broker in AMQP_URL."""

import asyncio
import json
import os

import aio_pika

QUEUE = os.environ.get("SCORE_QUEUE", "hr.scores")


async def main() -> None:
    """Follow scoring with a queue of our own; what comes while we are away waits in it."""
    connection = await aio_pika.connect_robust(os.environ["AMQP_URL"])
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=100)
    queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind("jiandu.from.scoring", "#")
    async with queue.iterator() as messages:
        async for message in messages:
            if message.content_type == "application/cloudevents-batch+json":
                for event in json.loads(message.body):
                    if event["type"] == "score.posted.v1":
                        data = json.dumps(event["data"], ensure_ascii=False)
                        print(event["id"], data, flush=True)  # noqa: T201  # your work
            await message.ack()  # after the work: a crash before it brings the same events again


asyncio.run(main())
