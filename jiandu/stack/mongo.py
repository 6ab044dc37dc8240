"""MongoDB as a replica set of one, from the ``mongod`` that a package of the lock file brings."""

import importlib.util
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from jiandu.stack import debian
from jiandu.stack.errors import StackError, UnavailableError
from jiandu.stack.server import Server, inherited
from jiandu.stack.state import StateFile

_SET = "rs0"
_NOT_YET_INITIALIZED = 94
_NO_SUCH_PROGRAM = 127
_VARIABLE = "JIANDU_MONGO_URL"


class Mongo(Server):
    """Our ``mongod``. It keeps its data and its port when it is stopped, killed and started again."""

    def __init__(self, file: StateFile, *, cache_gb: float) -> None:
        """Describe the server; nothing starts yet."""
        super().__init__("mongod", file)
        self._data = file.folder / "mongo"
        self._cache_gb = cache_gb

    @property
    def port(self) -> int:
        """The port."""
        return self.file.port("mongod")

    @property
    def url(self) -> str:
        """The address of the replica set."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet={_SET}"

    def install(self) -> bool:
        """Install the one library that ``mongod`` needs beyond Debian's base; answer whether it was missing."""
        return debian.ensure(
            server="The library libcurl, which MongoDB needs,",
            package="libcurl4",
            variable=_VARIABLE,
            present=_mongod_runs,
        )

    def prepare(self) -> None:
        """Make the folder, and choose another port if ours was taken while the server was away."""
        self.file.keep_free("mongod")
        self._data.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """Give the command line."""
        return [
            str(_mongod()),
            *("--replSet", _SET),
            *("--bind_ip", "127.0.0.1"),
            *("--port", str(self.port)),
            *("--dbpath", str(self._data)),
            *("--wiredTigerCacheSizeGB", str(self._cache_gb)),
            *("--oplogSize", "512"),
            *("--networkMessageCompressors", "snappy,zstd"),
            "--nounixsocket",
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            # There is no other member to hand over to.
            *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
        ]

    def environment(self) -> Mapping[str, str]:
        """Give the environment."""
        return inherited()

    def is_ready(self) -> bool:
        """Tell whether the server is the primary of its set; make it so if it was never told."""
        address = f"127.0.0.1:{self.port}"
        try:
            with MongoClient[dict[str, Any]](
                f"mongodb://{address}/?directConnection=true", serverSelectionTimeoutMS=500
            ) as client:
                form_set(client, address)
                return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False

    def wipe(self) -> None:
        """Stop the server and delete all its data."""
        self.stop()
        shutil.rmtree(self._data, ignore_errors=True)


def form_set(client: MongoClient[dict[str, Any]], address: str) -> None:
    """Make the server the only member of its set, under the address that it has now."""
    member = {"_id": 0, "host": address}
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        client.admin.command("replSetInitiate", {"_id": _SET, "members": [member]})
        return
    if config["members"][0]["host"] != address:
        changed = {
            **config,
            "version": config["version"] + 1,
            "members": [{**config["members"][0], **member}],
        }
        client.admin.command("replSetReconfig", changed, force=True)


def _mongod() -> Path:
    """Find the program: in the installed package, else on the path."""
    spec = importlib.util.find_spec("fiftyone")
    for place in (spec.submodule_search_locations if spec else None) or []:
        program = Path(place) / "db" / "bin" / "mongod"
        if program.exists():
            return program
    if found := shutil.which("mongod"):
        return Path(found)
    raise UnavailableError(
        server="MongoDB",
        package="libcurl4, on 64-bit Intel Linux,",
        reason="no mongod came with the Python packages and none is on the path",
        variable=_VARIABLE,
    )


def _mongod_runs() -> bool:
    ran = subprocess.run([_mongod(), "--version"], capture_output=True, text=True, check=False)
    if ran.returncode not in (0, _NO_SUCH_PROGRAM):
        raise StackError(f"mongod does not run here: {ran.stderr.strip() or f'code {ran.returncode}'}")
    return ran.returncode == 0
