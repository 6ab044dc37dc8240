"""Every expected failure, in one tree.

A message says what is wrong, where, and the next action. It never holds personal data.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class SupervisionError(Exception):
    """Base of every expected failure.

    Attributes:
        code: Stable slug that clients may match on. Never reworded.
    """

    code = "supervision-error"


class NotFoundError(SupervisionError):
    """The caller named something that does not exist, or that lies outside its units."""

    code = "not-found"


class NotYetHereError(NotFoundError):
    """The thing may be on its way through the broker. The same call may succeed soon."""

    code = "not-yet-here"


class ConflictError(SupervisionError):
    """The call is well formed, but the record's present state forbids it."""

    code = "conflict"


class KeyReusedError(ConflictError):
    """An idempotency key came a second time with another body."""

    code = "idempotency-key-reused"


class UnauthenticatedError(SupervisionError):
    """No valid credential came with the call."""

    code = "unauthenticated"


class ForbiddenError(SupervisionError):
    """The credential is valid, but its role lacks the right."""

    code = "forbidden"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that cannot be accepted, and why."""

    field: str
    reason: str


class InvalidInputError(SupervisionError):
    """Fields are missing or ill-formed. Nothing was stored."""

    code = "invalid-input"

    def __init__(self, message: str, problems: Sequence[FieldProblem] = ()) -> None:
        """Name each field with its reason."""
        self.problems = tuple(problems)
        super().__init__(message)


class RulebookGapError(SupervisionError):
    """The rulebook is silent where a decision needs a value. Its author must act."""

    code = "rulebook-gap"

    def __init__(self, *, group: str, on: str, key: str) -> None:
        """Name the rulebook, the day and the missing key."""
        self.group, self.on, self.key = group, on, key
        super().__init__(
            f"Rulebook '{group}' in force on {on} sets no '{key}'. "
            f"Add the key with its source under rulebooks/{group}/, then run 'jiandu rulebook check {group}'."
        )


@dataclass(frozen=True, slots=True)
class RulebookProblem:
    """One fault of a rulebook file: where it is, what is wrong, how to mend it."""

    file: str
    line: int
    what: str
    mend: str

    def __str__(self) -> str:
        """Show the fault as ``file:line: what. mend``."""
        return f"{self.file}:{self.line}: {self.what} {self.mend}"


class RulebookRefusedError(SupervisionError):
    """A rulebook holds errors. It was not loaded; the edition in force stays."""

    code = "rulebook-refused"

    def __init__(self, problems: Sequence[RulebookProblem]) -> None:
        """List every fault that was found, not only the first."""
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class TransientError(SupervisionError):
    """The same call may succeed later. The bus retries it; HTTP answers 503."""

    code = "try-later"


class StaleWriteError(TransientError):
    """Another write came first. Load again and decide again."""

    code = "stale-write"
