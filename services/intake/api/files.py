"""Customers, products, praise and importers' declarations over HTTP."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.intake.api.entry import LateMoment, OtherUnit, Reads, Registers, Slug, Use, Words
from services.intake.domain.files import Product
from services.intake.handlers.customers import CustomerShown, Proposal, Ruling
from services.intake.store import product_key
from shared.http.answers import View
from shared.http.callers import needs
from shared.http.idempotency import Commanded
from shared.http.pages import Cursor, Limit, Page, page_of
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.service.entry import RequestId
from shared.values.bounds import Day, Instant

customers = APIRouter(prefix="/v1/customers", tags=["customers"])
products = APIRouter(prefix="/v1/products", tags=["products"])
praises = APIRouter(prefix="/v1/praises", tags=["praise"])
imports = APIRouter(prefix="/v1/imports", tags=["imports"])
routers = (customers, products, praises, imports)

Confirms = Annotated[Caller, needs("customers.confirm-flag")]
Manages = Annotated[Caller, needs("customers.manage")]
CustomerId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]

Name = Annotated[str, Field(min_length=1, max_length=100)]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9(][0-9 ()\-]{4,30}[0-9]$")]
Address = Annotated[str, Field(min_length=1, max_length=300)]


class FlagView(View):
    """The latest proposal to call a customer a problem user."""

    status: str
    behaviours: list[str]
    proposed_by: str
    proposed_at: AwareDatetime
    decided_by: str
    decided_at: AwareDatetime | None
    reason: str
    until: AwareDatetime | None
    contact: str = Field(description="Matter on which the behaviours were shown.")
    review_at: AwareDatetime | None
    reviewed_at: AwareDatetime | None


class CustomerView(View):
    """A customer's file, masked."""

    customer: str
    unit: str
    opened_at: AwareDatetime
    first_business_on: date | None
    fields: dict[str, str]
    flag: FlagView | None

    @classmethod
    def of(cls, shown: CustomerShown) -> "CustomerView":
        """Show a file."""
        return cls.showing(shown.customer, fields=dict(shown.fields))


@customers.get("/{customer}", summary="Read a customer's file")
async def get_customer(customer: CustomerId, use: Use, who: Reads) -> CustomerView:
    """Show a customer's file, masked."""
    return CustomerView.of(await use.files.customer(customer, who))


class CustomerFile(Body):
    """A customer's file as it should be."""

    name: Name
    phone: Phone
    address: Address | None = None
    first_business_on: Day | None = None


class NewCustomer(CustomerFile):
    """A customer who has no matter yet."""

    opened_at: LateMoment = None
    unit: OtherUnit = None


@customers.post("", status_code=201, summary="Open a customer's file")
async def file_customer(
    body: NewCustomer, use: Use, who: Manages, command: Commanded, response: Response
) -> CustomerView:
    """Open a customer's file. Who is on file already is answered as they are, with 200."""
    fields = body.model_dump(include={"name", "phone", "address"}, exclude_none=True)
    asked = body.unit or ""
    shown, is_new = await use.files.file(
        fields, body.first_business_on, body.opened_at, asked, who, command.request
    )
    response.status_code = 201 if is_new else 200
    return CustomerView.of(shown)


@customers.put("/{customer}", summary="Bring a customer's file up to date")
async def refile_customer(
    customer: CustomerId, body: CustomerFile, use: Use, who: Manages, request: RequestId
) -> CustomerView:
    """Bring a customer's file up to date. The same file again changes nothing."""
    fields = body.model_dump(include={"name", "phone", "address"}, exclude_none=True)
    return CustomerView.of(await use.files.refile(customer, fields, body.first_business_on, who, request))


class FlagProposal(Body):
    """Behaviours of the rulebook, each with what shows it."""

    evidence: dict[Slug, Annotated[str, Field(max_length=2000)]] = Field(min_length=1, max_length=20)
    contact: UUID | None = Field(
        default=None, description="Matter on which they were shown, where the rulebook asks for one contact."
    )
    at: LateMoment = None


class FlagAnswer(BaseModel):
    """Where the matter of the flag stands."""

    customer: str
    status: str
    expires_on: date | None = None


@customers.post("/{customer}/flags", status_code=201, summary="Propose problem-user status")
async def propose_flag(
    customer: CustomerId,
    body: FlagProposal,
    use: Use,
    who: Annotated[Caller, needs("customers.flag")],
    command: Commanded,
) -> FlagAnswer:
    """Propose that a customer is a problem user. Another person decides."""
    said = Proposal(body.evidence, str(body.contact or ""), body.at)
    return FlagAnswer.model_validate(await use.files.propose(customer, said, who, command))


class FlagDecision(Body):
    """Confirm or refuse, with reasons."""

    confirmed: bool
    reason: Words
    at: LateMoment = None


@customers.post("/{customer}/flags/decision", status_code=201, summary="Decide on a proposal")
async def decide_flag(
    customer: CustomerId, body: FlagDecision, use: Use, who: Confirms, command: Commanded
) -> FlagAnswer:
    """Confirm or refuse a proposal. A confirmed status ends by itself after the rulebook's days."""
    ruling = Ruling(body.confirmed, body.reason, body.at)
    return FlagAnswer.model_validate(await use.files.decide(customer, ruling, who, command))


class FlagReview(Body):
    """Leave the status as it is, or end it, with reasons."""

    keep: bool
    reason: Words
    at: LateMoment = None


@customers.post("/{customer}/flags/review", status_code=201, summary="Review a status")
async def review_flag(
    customer: CustomerId, body: FlagReview, use: Use, who: Confirms, command: Commanded
) -> FlagAnswer:
    """Look whether a status is still right. The proposer does not; one that is not kept ends at once."""
    ruling = Ruling(body.keep, body.reason, body.at)
    return FlagAnswer.model_validate(await use.files.review(customer, ruling, who, command))


class NewProduct(Body):
    """A product, a flat, a vehicle … that customers have of this unit."""

    product: Slug
    name: Annotated[str, Field(min_length=1, max_length=200)]
    model: Annotated[str, Field(max_length=200)] = ""
    handed_over_on: Day | None = None


class ProductView(View):
    """A product's file."""

    product: str
    unit: str
    name: str
    model: str
    handed_over_on: date | None


@products.post("", status_code=201, summary="Open a product's file")
async def file_product(body: NewProduct, use: Use, who: Manages, command: Commanded) -> ProductView:
    """Open a product's file at the caller's unit, or bring it up to date."""
    unit = use.files.own_unit(who)
    product = Product(body.product, unit, body.name, body.model, body.handed_over_on)
    return ProductView.model_validate(await use.files.file_product(product, who, command))


@products.get("", summary="List products")
async def list_products(use: Use, who: Reads, cursor: Cursor, limit: Limit = 50) -> Page[ProductView]:
    """List the products of the caller's units, in order of unit and id."""
    found = await use.files.list_products(cursor, limit, who)
    return page_of(
        found, limit, ProductView.model_validate, cursor, lambda one: product_key(one.unit, one.product)
    )


class PraiseFields(Body):
    """Who praises, and in what words."""

    name: Name
    phone: Phone | None = None
    words: Annotated[str, Field(min_length=1, max_length=4000)]


class NewPraise(Body):
    """Praise by a customer."""

    to: Literal["unit", "group", "consumer-association"]
    fields: PraiseFields
    received_at: LateMoment = None
    unit: OtherUnit = None


class PraiseView(BaseModel):
    """Praise on record."""

    praise_id: UUID
    unit: str
    to: str
    received_at: AwareDatetime


@praises.post("", status_code=201, summary="Record praise")
async def praise(
    body: NewPraise, use: Use, who: Registers, command: Commanded, response: Response
) -> PraiseView:
    """Record praise by a customer, to the unit or to a body outside it."""
    fields = body.fields.model_dump(exclude_none=True)
    found, is_new = await use.files.praise(body.to, fields, body.received_at, body.unit or "", who, command)
    response.status_code = 201 if is_new else 200
    return PraiseView(praise_id=UUID(found.id), unit=found.unit, to=found.to, received_at=found.received_at)


class NewDeclaration(Body):
    """Up to which moment everything that happened was entered."""

    complete_up_to: Instant
    unit: Slug | None = Field(default=None, description="Another unit of the own subtree.")


class DeclarationView(BaseModel):
    """A declaration on record."""

    unit: str
    complete_up_to: AwareDatetime
    by: str


@imports.post("/declaration", status_code=201, summary="Declare an entered history complete")
async def declare(
    body: NewDeclaration, use: Use, who: Annotated[Caller, needs("complaints.import")], command: Commanded
) -> DeclarationView:
    """Declare a unit's entered history complete: deadlines of imported matters are swept up to that moment."""
    answer = await use.files.declare(body.complete_up_to, body.unit or "", who, command)
    use.census.count_soon()
    return DeclarationView.model_validate(answer)
