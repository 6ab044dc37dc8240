"""The local stack: RabbitMQ, MongoDB and the services as processes of this machine, without containers.

Everything lives in one folder and on free loopback ports; what else runs on the machine is left alone.
"""
