"""RabbitMQ: topology, the connection, and the form of its messages. It only carries; all of it can be rebuilt from the logs."""
