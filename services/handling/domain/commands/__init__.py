"""What can be asked of a case. Each kind of command is declared in one module, with all that there is to it.

A new kind is a declaration beside its decision, and its name in ``KINDS``. It tells events of the catalogue; where
it needs a new one, ``evolve`` says what a case is after it.
"""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, TypeAdapter

from services.handling.domain.commands import (
    appeals,
    clocks,
    ending,
    findings,
    moving,
    powers,
    settlement,
    steps,
)
from services.handling.domain.kinds import Command, Kind

KINDS: Mapping[str, Kind] = {
    kind.do: kind
    for kind in (
        steps.COMPLETE_STEP,
        findings.MAKE_FINDING,
        findings.CONFIRM_FINDING,
        settlement.PROPOSE_SETTLEMENT,
        settlement.APPROVE_SETTLEMENT,
        steps.START_WORKS,
        steps.ACCEPT_RESULT,
        steps.REFUSE_RESULT,
        clocks.AGREE_DATE,
        clocks.ASK_EXTENSION,
        clocks.EXTEND,
        steps.EXCEPT_REPORT,
        clocks.PAUSE,
        clocks.RESUME,
        moving.ASSIGN,
        powers.ESCALATE,
        powers.USE_POWER,
        ending.WITHDRAW,
        findings.RECLASSIFY,
        moving.TRANSFER,
        moving.MERGE,
        moving.PART,
        ending.REOPEN,
        ending.RESOLVE,
        ending.CLOSE,
        appeals.LODGE_APPEAL,
        appeals.ADVISE_APPEAL,
        appeals.DECIDE_APPEAL,
    )
}
"""Every kind of command by name, in the order in which the API lists them."""

OFFERED = tuple(
    sorted(
        ((kind.do, kind.offer) for kind in KINDS.values() if kind.offer is not None),
        key=lambda one: one[1].place,
    )
)
"""The commands that a page offers beside the steps of the procedure, in its order."""

RIGHTS: Mapping[str, str] = {kind.do: kind.right for kind in KINDS.values()}
"""The right that a caller needs for a command. The rulebook may ask for another besides."""

if TYPE_CHECKING:
    AnyCommand = Command
else:
    AnyCommand = Annotated[reduce(or_, (kind.model for kind in KINDS.values())), Field(discriminator="do")]

_ADAPTER: TypeAdapter[Command] = TypeAdapter(AnyCommand)


def parse_command(body: object) -> Command:
    """Read a command from parsed JSON.

    Raises:
        pydantic.ValidationError: A field is missing, unknown or ill-formed.

    Example:
        >>> parse_command({"do": "resume"}).do
        'resume'
    """
    return _ADAPTER.validate_python(body)


__all__ = ["KINDS", "OFFERED", "RIGHTS", "AnyCommand", "Command", "Kind", "parse_command"]
