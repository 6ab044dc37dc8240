"""Pure: products, praise, and what an importer declares."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from services.intake.domain.complaints import refused
from shared.errors import ConflictError, FieldProblem
from shared.events import Sealed
from shared.events.intake import ImportDeclared, PraiseReceived, ProductFiled
from shared.values.idempotency import Command, Remembered, remember


class EarlierDeclarationError(ConflictError):
    """A later moment was declared before; a declaration is never taken back."""

    code = "declared-further"


@dataclass(frozen=True, slots=True)
class Product:
    """A product's file."""

    product: str
    unit: str
    name: str
    model: str
    handed_over_on: date | None = None
    remembered: Remembered = ()


@dataclass(frozen=True, slots=True)
class Praise:
    """Praise by a customer."""

    id: str
    unit: str
    to: str
    received_at: datetime
    customer: str
    sealed: Sealed
    digest: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """Up to which moment a unit's entered history is complete."""

    unit: str
    complete_up_to: datetime
    by: str
    remembered: Remembered = ()


def file_product(known: Product | None, product: Product, command: Command) -> tuple[Product, ProductFiled]:
    """Open a product's file or bring it up to date."""
    event = ProductFiled(
        product=product.product,
        unit=product.unit,
        name=product.name,
        model=product.model,
        handed_over_on=product.handed_over_on,
    )
    remembered = remember(known.remembered if known else (), command, event.model_dump(mode="json"))
    return replace(product, remembered=remembered), event


def praise_id(unit: str, key: str) -> str:
    """Return the id that a unit's command always gets."""
    return str(uuid5(NAMESPACE_URL, f"jiandu/praise/{unit}/{key}"))


def receive_praise(praise: Praise, now: datetime) -> PraiseReceived:
    """Return the event that a customer praised a unit. Raises ``InvalidInputError``."""
    if praise.received_at > now:
        raise refused([FieldProblem("received_at", "lies in the future")])
    return PraiseReceived(
        praise_id=UUID(praise.id),
        unit=praise.unit,
        to=praise.to,
        received_at=praise.received_at,
        customer=praise.customer,
        sealed=praise.sealed,
    )


def declare(
    known: Declaration | None, unit: str, complete_up_to: datetime, by: str, now: datetime, command: Command
) -> tuple[Declaration, ImportDeclared]:
    """Declare a unit's entered history complete up to a moment.

    Raises:
        InvalidInputError: The moment lies in the future.
        EarlierDeclarationError: A later one was declared.
    """
    if complete_up_to > now:
        raise refused([FieldProblem("complete_up_to", "lies in the future")])
    if known and complete_up_to < known.complete_up_to:
        msg = f"Unit '{unit}' is declared complete up to {known.complete_up_to.isoformat()} already."
        raise EarlierDeclarationError(msg)
    complete_up_to = complete_up_to.astimezone(UTC)
    event = ImportDeclared(unit=unit, complete_up_to=complete_up_to, by=by)
    answer = event.model_dump(mode="json")
    remembered = remember(known.remembered if known else (), command, answer)
    return Declaration(unit, complete_up_to, by, remembered), event
