"""What every kind of command is made of: its model, the right it needs, its decision, and when a page offers it."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from services.handling.domain.case import Case
from services.handling.domain.context import DecisionContext
from shared.events import Happened
from shared.rulebook.steps import CaseRules
from shared.values.bounds import Instant
from shared.values.text import Written

READ, HANDLE, APPROVE, FIND = "cases.read", "cases.handle", "cases.approve", "cases.find"

Key = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
OptionalKey = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
Words = Annotated[str, StringConstraints(max_length=4000, strip_whitespace=True)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]
Money = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]
Keys = Annotated[tuple[Key, ...], Field(max_length=100)]


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


References = Annotated[tuple[Key, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=50)]
Papers = Annotated[dict[Key, References], Field(max_length=50)]
"""Kind → references: ``{"facts-sheet": ["file:1"]}``; signatures likewise, party → document or person."""


class ActingFor(Written):
    """Who did it, where an importer enters what others did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: Key
    role: Key
    unit: OptionalKey = Field(default="", description="Their unit; left out: the importer's.")


class Command(Written):
    """Base of every command.

    Attributes:
        at: When it happened; now, where it is left out.
        acting_for: Needs the right to import.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: str
    at: Instant | None = None
    acting_for: ActingFor | None = None


class StepCommand(Command):
    """A command that may complete a step, with what the step needs.

    Attributes:
        ACT: What the rulebook calls it where a step is done by it (``done_by``); empty: steps are done by name.
    """

    ACT: ClassVar[str]

    evidence: Papers = Field(default={})
    signatures: Papers = Field(default={})
    department: OptionalKey = ""
    person: OptionalKey = Field(
        default="", description="Who did it or answers for it; else who is in charge."
    )
    reason: Words = ""


def always(_: Case, __: CaseRules) -> bool:
    """Offer a command on every case that it can be offered on."""
    return True


@dataclass(frozen=True, slots=True)
class Offer:
    """When a page offers a command that is no step of the procedure.

    Attributes:
        place: Where it stands among the others.
        on: Says whether it is offered on a case.
        right: The right that it takes on a case, where the rulebook decides that; else the kind's own.
        needs: Fields that the command must hold.
    """

    place: int
    on: Callable[[Case, CaseRules], bool]
    right: Callable[[Case, CaseRules], str] | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of command.

    Attributes:
        right: What a caller needs for it. The rulebook may ask for another besides.
        decide: Judges it, and says what is to be told. ``evolve`` makes the new case of that.
        offer: When a page offers it; None where it only completes steps.
        is_ruling: Nobody does it about a matter of their own, by themselves or in another's name.
        hands_to: Field that names the unit to which the case goes.
    """

    model: type[Command]
    right: str
    decide: Callable[[Case, Any, DecisionContext], list[Happened]]
    offer: Offer | None = None
    is_ruling: bool = False
    hands_to: str = ""

    @property
    def do(self) -> str:
        """Name of the command."""
        return str(self.model.model_fields["do"].default)
