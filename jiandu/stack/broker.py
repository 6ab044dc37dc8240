"""RabbitMQ as a node of our own: own folder, ports, cookie, user and port mapper (epmd).

A broker that is on the machine already shares nothing with it but the program files.
"""

import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from jiandu.stack import debian
from jiandu.stack.errors import StackError
from jiandu.stack.processes import FOLDER_VARIABLE, port_is_free
from jiandu.stack.server import Server, inherited
from jiandu.stack.state import StateFile

# Not the wrapper in /usr/sbin: that one switches to the user rabbitmq.
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
_USER = "jiandu"
_NODE = "jiandu@localhost"

_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = {user}
default_pass = {password}
loopback_users = none
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 200MB
# The default, 512 MB, is written out in full at each start.
raft.wal_max_size_bytes = 67108864
log.console = true
log.console.level = info
log.file = false
"""


class Broker(Server):
    """Our RabbitMQ node. Stopped, killed, wiped and started again, it keeps port, user and password."""

    ready_within_s = 120
    stop_within_s = 30

    def __init__(self, file: StateFile) -> None:
        """Describe the node; nothing starts yet."""
        super().__init__("rabbitmq", file)
        self._home = file.folder / "rabbit"
        self._mapper = _PortMapper(file)

    @property
    def port(self) -> int:
        """The AMQP port."""
        return self.file.port("amqp")

    @property
    def url(self) -> str:
        """The address of the default virtual host, with user and password."""
        return self.url_of("/")

    def url_of(self, vhost: str) -> str:
        """Give the address of ``vhost``."""
        password = quote(self.file.secret("amqp-password"), safe="")
        return f"amqp://{_USER}:{password}@127.0.0.1:{self.port}/{quote(vhost, safe='')}"

    def install(self) -> bool:
        """Install Debian's package if it is missing; answer whether it was."""
        return debian.ensure(
            server="RabbitMQ",
            package="rabbitmq-server",
            variable="JIANDU_AMQP_URL",
            present=lambda: (_PROGRAMS / "rabbitmq-server").exists() and shutil.which("epmd") is not None,
        )

    def prepare(self) -> None:
        """Start the port mapper and write the node's files."""
        for name in ("amqp", "erlang"):
            self.file.keep_free(name)
        # Before the node, which would otherwise start a port mapper that nobody ever stops.
        self._mapper.start()
        self._home.mkdir(parents=True, exist_ok=True)
        password = self.file.secret("amqp-password")
        configuration = _CONFIGURATION.format(port=self.port, user=_USER, password=password)
        _write(self._home / "rabbitmq.conf", configuration)
        _write(self._home / "rabbitmq-env.conf", "")
        _write(self._home / "enabled_plugins", "[].\n")
        cookie = self._home / ".erlang.cookie"
        if not cookie.exists():
            _write(cookie, self.file.secret("erlang-cookie").translate(_LETTERS_ONLY))

    def command(self) -> list[str]:
        """Give the command line."""
        return [str(_PROGRAMS / "rabbitmq-server")]

    def environment(self) -> Mapping[str, str]:
        """Give the environment, of the node and of the tools that speak to it."""
        theirs = ("RABBITMQ_", "ERL_")
        kept = {key: value for key, value in inherited().items() if not key.startswith(theirs)}
        return {
            **kept,
            "HOME": str(self._home),
            "ERL_EPMD_PORT": str(self.file.port("epmd")),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP": str(self._home / "erl_crash.dump"),
            "RABBITMQ_NODENAME": _NODE,
            "RABBITMQ_DIST_PORT": str(self.file.port("erlang")),
            "RABBITMQ_CONF_ENV_FILE": str(self._home / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self._home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._home / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self._home / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._home / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._home / "mnesia"),
            "RABBITMQ_MNESIA_DIR": str(self._home / "mnesia" / "node"),
            "RABBITMQ_PID_FILE": str(self._home / "node.pid"),
            "RABBITMQ_LOG_BASE": str(self._home / "log"),
            "RABBITMQ_LOGS": "-",
            # Other nodes, and our own services, share the cores: do not pin the schedulers to them.
            "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # The start script then becomes the node instead of staying beside it: one process to signal.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def is_ready(self) -> bool:
        """Tell whether the node offers a connection, which it does only when it has fully booted."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the node and its port mapper. What is durable stays on disk."""
        super().stop()
        self._mapper.stop()

    def wipe(self) -> None:
        """Stop the node and delete everything that it kept. It starts again empty, with the same user."""
        self.stop()
        shutil.rmtree(self._home / "mnesia", ignore_errors=True)

    def vhost(self, name: str) -> str:
        """Create the virtual host ``name`` and give its address."""
        self.control("add_vhost", name)
        self.control("set_permissions", "-p", name, _USER, ".*", ".*", ".*")
        return self.url_of(name)

    def control(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` on our node and give what it prints. It takes a second or two.

        Raises:
            StackError: The command failed; the text is its own.
        """
        ran = subprocess.run(
            [str(_PROGRAMS / "rabbitmqctl"), "-q", "-n", _NODE, *arguments],
            env={**self.environment(), FOLDER_VARIABLE: str(self.file.folder)},
            cwd=self._home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if ran.returncode != 0:
            raise StackError(f"rabbitmqctl {arguments[0]} failed: {(ran.stderr or ran.stdout).strip()}")
        return ran.stdout


class _PortMapper(Server):
    """Erlang's port mapper (epmd), by which the tools find the node."""

    ready_within_s = 15

    def __init__(self, file: StateFile) -> None:
        super().__init__("epmd", file)

    def prepare(self) -> None:
        self.file.keep_free("epmd")

    def command(self) -> list[str]:
        return ["epmd", "-address", "127.0.0.1", "-port", str(self.file.port("epmd"))]

    def environment(self) -> Mapping[str, str]:
        return inherited()

    def is_ready(self) -> bool:
        return not port_is_free(self.file.port("epmd"))


_LETTERS_ONLY = str.maketrans("+/=", "ABC")


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
