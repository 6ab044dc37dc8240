"""Pure: a customer's file, and how a customer comes to be called a problem user.

Two people must sign, at least so many behaviours must be shown with evidence, and it ends by itself. Where the rulebook
says so, somebody looks on the way whether it is still right.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from services.intake.domain.complaints import refused
from shared.errors import ConflictError, FieldProblem, NotFoundError
from shared.events import Sealed
from shared.events.intake import CustomerFiled, CustomerFlagged
from shared.rulebook.schema import Rules
from shared.rulebook.schema.intake import ProblemUser
from shared.timekeeping.calendar import WorkingCalendar
from shared.values.idempotency import Command, Remembered, remember

FILED = ("name", "phone", "address")
"""Fields of a matter that belong to the customer's file."""


class FlagOpenError(ConflictError):
    """A proposal waits for its decision, or the status holds already."""

    code = "flag-open"


class NoProposalError(ConflictError):
    """There is nothing to decide."""

    code = "no-proposal"


class NoStatusError(ConflictError):
    """The customer is no problem user, so there is nothing to review."""

    code = "no-status"


class SamePersonError(ConflictError):
    """Who proposed may not decide."""

    code = "same-person"


@dataclass(frozen=True, slots=True)
class Flag:
    """The latest proposal to call a customer a problem user.

    Attributes:
        status: proposed | confirmed | refused | ended.
        evidence: Per behaviour, sealed under the customer's key.
        until: First moment at which it no longer holds.
        contact: The one contact on which the behaviours were shown: the id of a matter.
        review_at: When somebody is to look whether it is still right; None once that was told, or where nobody is.
        reviewed_at: When somebody last looked and left it.
    """

    rule: str
    status: str
    behaviours: tuple[str, ...]
    evidence: Sealed
    proposed_by: str
    proposed_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""
    until: datetime | None = None
    contact: str = ""
    review_at: datetime | None = None
    reviewed_at: datetime | None = None

    @property
    def due(self) -> datetime | None:
        """Return when the status next changes by itself."""
        return min((at for at in (self.review_at, self.until) if at), default=None)


Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer's file.

    Attributes:
        spans: Every time during which the customer was a problem user, half-open.
    """

    customer: str
    unit: str
    opened_at: datetime
    sealed: Sealed
    first_business_on: date | None = None
    flag: Flag | None = None
    spans: tuple[Span, ...] = ()
    remembered: Remembered = ()


def opened(customer: str, unit: str, sealed: Sealed, at: datetime) -> Customer:
    """Return a new file. The matter that opens it tells of the customer."""
    return Customer(customer, unit, at, sealed)


def refiled(
    customer: Customer, sealed: Sealed, first_business_on: date | None
) -> tuple[Customer, CustomerFiled]:
    """Return the file brought up to date, and the event that tells it."""
    state = replace(
        customer, sealed=sealed, first_business_on=first_business_on or customer.first_business_on
    )
    event = CustomerFiled(
        customer=state.customer, unit=state.unit, first_business_on=state.first_business_on, sealed=sealed
    )
    return state, event


def holds(spans: tuple[Span, ...], moment: datetime) -> bool:
    """Say whether a customer was a problem user at ``moment``."""
    return any(since <= moment < until for since, until in spans)


def standard(rules: Rules) -> tuple[str, ProblemUser]:
    """Return the rule that says who is a problem user. Raises ``NotFoundError`` where there is none."""
    for name, rule in rules.intake.problem_users.items():
        return name, rule
    msg = "The rulebook in force knows no problem users: 'intake.problem_users' is empty."
    raise NotFoundError(msg)


def examine_proposal(evidence: Mapping[str, str], rule: ProblemUser, contact: str = "") -> None:
    """Refuse a proposal that does not show enough.

    Raises:
        InvalidInputError: Too few behaviours, an unknown one, one without evidence, or no contact named.
    """
    problems = [
        FieldProblem(f"evidence.{name}", f"no such behaviour; the rulebook has: {', '.join(rule.behaviours)}")
        for name in evidence
        if name not in rule.behaviours
    ]
    problems += [
        FieldProblem(f"evidence.{name}", "needed: what shows the behaviour")
        for name, words in evidence.items()
        if name in rule.behaviours and not words.strip()
    ]
    if len(evidence) < rule.at_least:
        reason = f"at least {rule.at_least} behaviours are needed; these are {len(evidence)}"
        problems.append(FieldProblem("evidence", reason))
    if rule.one_contact and not contact:
        problems.append(FieldProblem("contact", "needed: the matter on which all of them were shown"))
    if problems:
        raise refused(problems)


def propose(
    customer: Customer,
    *,
    rule: str,
    behaviours: tuple[str, ...],
    evidence: Sealed,
    by: str,
    at: datetime,
    command: Command,
    contact: str = "",
) -> tuple[Customer, CustomerFlagged]:
    """Propose that a customer is a problem user.

    Raises:
        FlagOpenError: A proposal waits, or the status holds.
    """
    flag = customer.flag
    if flag and flag.status == "proposed":
        msg = "A proposal waits for its decision: POST /v1/customers/{id}/flags/decision."
        raise FlagOpenError(msg)
    if flag and flag.status == "confirmed" and flag.until and at < flag.until:
        msg = f"The status holds until {flag.until.isoformat()}. Propose again after that."
        raise FlagOpenError(msg)
    flag = Flag(rule, "proposed", behaviours, evidence, by, at, contact=contact)
    answer = {"customer": customer.customer, "status": "proposed"}
    state = replace(customer, flag=flag, remembered=remember(customer.remembered, command, answer))
    return state, _told(customer, flag, by)


def _told(
    customer: Customer, flag: Flag, by: str, expires_on: date | None = None, status: str = ""
) -> CustomerFlagged:
    return CustomerFlagged(
        customer=customer.customer,
        unit=customer.unit,
        status=status or flag.status,
        behaviours=flag.behaviours,
        by=by,
        expires_on=expires_on,
        contact=flag.contact,
    )


def decide(
    customer: Customer,
    *,
    confirmed: bool,
    reason: str,
    by: str,
    at: datetime,
    rule: ProblemUser,
    calendar: WorkingCalendar,
    command: Command,
) -> tuple[Customer, CustomerFlagged]:
    """Confirm or refuse a proposal. A confirmed status lasts the rulebook's days and ends at local midnight.

    Raises:
        NoProposalError: None waits.
        SamePersonError: The proposer decides.
    """
    flag = customer.flag
    if flag is None or flag.status != "proposed":
        msg = "No proposal waits for a decision. Propose first: POST /v1/customers/{id}/flags."
        raise NoProposalError(msg)
    if flag.proposed_by == by:
        msg = "Another person than the proposer decides. Ask a colleague with the right 'customers.confirm-flag'."
        raise SamePersonError(msg)
    if at < flag.proposed_at:
        raise refused([FieldProblem("at", "lies before the proposal")])
    expires_on = calendar.local_day(at) + timedelta(days=rule.days) if confirmed else None
    until = calendar.at(expires_on, time(0)) if expires_on else None
    status = "confirmed" if confirmed else "refused"
    flag = replace(
        flag,
        status=status,
        decided_by=by,
        decided_at=at,
        reason=reason,
        until=until,
        review_at=_review_at(at, until, rule, calendar),
    )
    answer = {
        "customer": customer.customer,
        "status": status,
        "expires_on": expires_on.isoformat() if expires_on else None,
    }
    state = replace(
        customer,
        flag=flag,
        spans=(*customer.spans, (at, until)) if until else customer.spans,
        remembered=remember(customer.remembered, command, answer),
    )
    return state, _told(customer, flag, by, expires_on)


def _review_at(
    at: datetime, until: datetime | None, rule: ProblemUser, calendar: WorkingCalendar
) -> datetime | None:
    if until is None or rule.review_days is None:
        return None
    review = calendar.at(calendar.local_day(at) + timedelta(days=rule.review_days), time(0))
    return review if review < until else None


def review(
    customer: Customer,
    *,
    keep: bool,
    reason: str,
    by: str,
    at: datetime,
    rule: ProblemUser,
    calendar: WorkingCalendar,
    command: Command,
) -> tuple[Customer, CustomerFlagged]:
    """Leave a status as it is, or end it before its time.

    Raises:
        NoStatusError: The customer is no problem user then.
        SamePersonError: Who proposed it looks.
    """
    flag = customer.flag
    if flag is None or flag.status != "confirmed" or flag.until is None or flag.decided_at is None:
        msg = "No problem-user status holds, so there is nothing to review."
        raise NoStatusError(msg)
    if not flag.decided_at <= at < flag.until:
        msg = f"The status holds from {flag.decided_at.isoformat()} and before {flag.until.isoformat()}."
        raise NoStatusError(msg)
    if flag.proposed_by == by:
        msg = "Another person than the proposer reviews. Ask a colleague with the right 'customers.confirm-flag'."
        raise SamePersonError(msg)
    if keep:
        again = _review_at(at, flag.until, rule, calendar)
        flag, spans = replace(flag, reviewed_at=at, review_at=again, reason=reason), customer.spans
    else:
        flag = replace(flag, status="ended", until=at, reviewed_at=at, review_at=None, reason=reason)
        spans = (*customer.spans[:-1], (customer.spans[-1][0], at))
    expires_on = calendar.local_day(flag.until) if keep and flag.until else None
    answer = {
        "customer": customer.customer,
        "status": flag.status,
        "expires_on": expires_on.isoformat() if expires_on else None,
    }
    state = replace(
        customer, flag=flag, spans=spans, remembered=remember(customer.remembered, command, answer)
    )
    return state, _told(customer, flag, by, expires_on)


def lapse(customer: Customer, now: datetime) -> tuple[Customer, CustomerFlagged, datetime] | None:
    """Do what a status does by itself: ask for its review, or end. Returns also the moment of it; None: nothing."""
    flag = customer.flag
    if flag is None or flag.status != "confirmed" or flag.due is None or now < flag.due:
        return None
    at = flag.due
    if at == flag.review_at:
        flag = replace(flag, review_at=None)
        return replace(customer, flag=flag), _told(customer, flag, "clock", status="review-due"), at
    flag = replace(flag, status="ended")
    return replace(customer, flag=flag), _told(customer, flag, "clock"), at
