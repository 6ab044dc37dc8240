"""What can go wrong with the local stack."""


class StackError(Exception):
    """The stack could not do what was asked. The text says what to do next."""

    exit_code = 1


class UnavailableError(StackError):
    """A server is missing and this machine offers no way to get it."""

    exit_code = 2

    def __init__(self, *, server: str, package: str, reason: str, variable: str) -> None:
        """Name the missing server, why it cannot be installed, and the ways out."""
        super().__init__(
            f"{server} is missing and cannot be installed here: {reason}. "
            "Run the whole system in containers with `docker compose up`; "
            f"or have an administrator install Debian's package {package}; "
            f"or set {variable} to a server that runs already."
        )
