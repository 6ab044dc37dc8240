"""What is installed is what is locked, with an old pip and a new one, whatever an index offers beside it."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, found

INSTALL = str(ROOT / "deploy" / "install")
PIPS = Path(__file__).parent / "pips"

NEEDS_LIBRARY = "demo-lib[toml]>=1.0"
"""The shape of ``coverage[toml]``: older pips resolve what a lock names with an extra anew."""


@dataclass(frozen=True)
class Index:
    """A local index, and the hash of each wheel that it offers."""

    folder: Path
    hashes: dict[str, str]

    def lock(self, *releases: str) -> Path:
        """Write a lock file that names these releases."""
        lines = [f"{one} --hash=sha256:{self.hashes[one]}\n" for one in releases]
        path = self.folder / "some.lock"
        path.write_text("".join(lines), encoding="utf-8")
        return path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command that sees this index and nobody's configuration."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        env = {**own, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": self.folder.as_uri()}
        return subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True, check=False)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """An index on which the library that a lock pins has a newer release."""
    folder = tmp_path / "index"
    hashes = {
        f"{name}=={version}": _offer(folder, name, version, needs)
        for name, version, needs in (
            ("demo-lib", "1.0", ""),
            ("demo-lib", "2.0", ""),
            ("demo-app", "1.0", NEEDS_LIBRARY),
        )
    }
    return Index(folder, hashes)


def _offer(folder: Path, name: str, version: str, needs: str) -> str:
    """Put a wheel into the index, and return its hash."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    said = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: toml\n"]
    files = {
        f"{module}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": "".join([*said, *([f"Requires-Dist: {needs}\n"] if needs else [])]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},{_digest(text.encode())},{len(text)}\n" for path, text in files.items()]
    page = folder / name
    page.mkdir(parents=True, exist_ok=True)
    wheel = page / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join([*record, f"{info}/RECORD,,\n"]))
    offered = "".join(f'<a href="{one.name}">{one.name}</a>\n' for one in sorted(page.glob("*.whl")))
    (page / "index.html").write_text(f"<!DOCTYPE html>\n{offered}", encoding="utf-8")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def _digest(content: bytes) -> str:
    made = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={made.decode().rstrip('=')}"


# --- pips


@pytest.fixture(params=["debian-12", "newest"])
def pip(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """How pip is called in a fresh environment: Debian 12's pip, and the newest."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    packages = next(folder.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(_wheel(request.param)) as wheel:
        wheel.extractall(packages)
    return [str(folder / "bin" / "python"), "-m", "pip"]


@pytest.fixture
def pip_outside(tmp_path: Path) -> list[str]:
    """How the image does it: a pip from elsewhere, for an environment that has none."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    return [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]


def _wheel(which: str) -> Path:
    """Return a pip as its lock names it. It is fetched once for each environment of the project."""
    lock = PIPS / f"{which}.lock"
    version, *hashes = re.findall(r"pip==(\S+)|sha256:(\w+)", lock.read_text("utf-8"))
    kept = Path(sys.prefix) / "pips" / f"pip-{version[0]}-py3-none-any.whl"
    wanted = {digest for _, digest in hashes}
    if not (kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() in wanted):
        kept.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as fresh:
            fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            exactly = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(lock)]
            subprocess.run([*fetch, *exactly, "--dest", fresh], check=True)
            (Path(fresh) / kept.name).replace(kept)
    return kept


def _installed(index: Index, pip: Sequence[str]) -> dict[str, str]:
    listed = index.run(*pip, "list", "--format", "json", "--disable-pip-version-check")
    return {
        one["name"]: one["version"] for one in json.loads(listed.stdout) if one["name"].startswith("demo")
    }


# --- claims


def test_a_newer_release_of_a_locked_package_is_not_installed(index: Index, pip: list[str]) -> None:
    """INVARIANT: the lock decides, and what an index offers tomorrow changes nothing.

    What breaks it: an installing command that looks up dependencies, as ``pip install -r`` does.
    """
    offered = index.run(*pip, "download", "--no-deps", "--dest", str(index.folder / "newest"), "demo-lib")
    assert [one.name for one in (index.folder / "newest").iterdir()] == ["demo_lib-2.0-py3-none-any.whl"], (
        offered
    )

    done = index.run(INSTALL, str(index.lock("demo-app==1.0", "demo-lib==1.0")), *pip)

    assert (done.returncode, done.stderr) == (0, "")
    assert _installed(index, pip) == {"demo-app": "1.0", "demo-lib": "1.0"}


def test_the_images_environment_gets_what_is_locked(index: Index, pip_outside: list[str]) -> None:
    done = index.run(INSTALL, str(index.lock("demo-app==1.0", "demo-lib==1.0")), *pip_outside)

    assert (done.returncode, done.stderr) == (0, "")
    assert _installed(index, pip_outside) == {"demo-app": "1.0", "demo-lib": "1.0"}


def test_a_lock_that_lacks_a_package_fails_and_names_it(index: Index, pip: list[str]) -> None:
    """INVARIANT: a lock is whole, or the installation says what is missing.

    What breaks it: no check of the set after an installation that looks nothing up.
    """
    lock = index.lock("demo-app==1.0")

    done = index.run(INSTALL, str(lock), *pip)

    assert done.returncode == 1
    assert "demo-app 1.0 requires demo-lib, which is not installed." in done.stderr
    assert f"{lock} and what was there before do not fit together (above)." in done.stderr


def test_a_package_of_other_bytes_is_refused(index: Index, pip_outside: list[str]) -> None:
    lock = index.lock("demo-lib==1.0")
    lock.write_text(lock.read_text("utf-8").replace(index.hashes["demo-lib==1.0"], "0" * 64), "utf-8")

    done = index.run(INSTALL, str(lock), *pip_outside)

    assert done.returncode == 1
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert _installed(index, pip_outside) == {}


def test_only_one_command_of_the_project_installs_packages() -> None:
    """INVARIANT: every lock is read by ``deploy/install``, so what holds for it holds everywhere.

    What breaks it: a ``pip install`` in the Makefile, the Dockerfile, a script or a page.
    """
    installing = re.compile(r"pip3? install|\bpip\b.* install |--requirement|\binstall -r\b")

    lines = list(found(installing, "deploy/install", "tests/architecture/test_install.py"))

    # What writes the locks is not in any of them.
    assert [line.partition(": ")[2].partition(" install")[2] for line in lines] == [
        " -q --disable-pip-version-check --no-deps uv; \\"
    ], lines
