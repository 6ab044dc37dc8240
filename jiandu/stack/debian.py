"""Debian's packages, installed when a server is missing and the machine allows it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from jiandu.stack.errors import UnavailableError

_GUARD = Path("/usr/sbin/policy-rc.d")
# Debian starts a service when its package is installed, unless the guard forbids it. A system
# broker that nobody asked for must not start, so ours forbids it for the time of the installation. The trap
# takes it away again on every way out. One of ours that an earlier, killed run left behind is not "theirs".
_INSTALL = r"""
set -eu
package=$1
guard=$2
mark='# placed by `jiandu stack up` while it installs a package; safe to delete'
theirs=
restore() {
    if [ -n "$theirs" ]; then mv -f "$theirs" "$guard"; else rm -f "$guard"; fi
}
if [ -e "$guard" ] && ! grep -qF "$mark" "$guard"; then
    theirs=$guard.before-jiandu
    mv -f "$guard" "$theirs"
fi
trap restore EXIT
trap 'exit 130' INT TERM HUP
printf '#!/bin/sh\n%s\nexit 101\n' "$mark" > "$guard"
chmod 755 "$guard"
export DEBIAN_FRONTEND=noninteractive
# A mirror that is away does not matter when the package lies in the cache.
apt-get update -qq || true
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$package"
"""


def ensure(
    *, server: str, package: str, variable: str, present: Callable[[], bool], guard: Path = _GUARD
) -> bool:
    """Install ``package`` unless ``present`` already holds; answer whether anything was installed.

    Raises:
        UnavailableError: There is no way to install it here. ``variable`` is the setting that would name
            a server elsewhere.
    """
    if present():
        return False

    def unavailable(reason: str) -> UnavailableError:
        return UnavailableError(server=server, package=package, reason=reason, variable=variable)

    if shutil.which("apt-get") is None:
        raise unavailable("there is no apt-get")
    ran = subprocess.run(
        [*_as_root(unavailable), "sh", "-c", _INSTALL, "sh", package, str(guard)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if ran.returncode != 0 or not present():
        words = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
        raise unavailable(f"apt-get failed ({words[-1].strip() if words else f'code {ran.returncode}'})")
    return True


def _as_root(unavailable: Callable[[str], UnavailableError]) -> list[str]:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        raise unavailable("you are not root, and there is no sudo")
    if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode != 0:
        raise unavailable("you are not root, and sudo asks for a password")
    return ["sudo", "-n"]
