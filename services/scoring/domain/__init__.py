"""Pure: what may be recorded, how facts gather under a subject, and what a publication tells."""

from services.scoring.domain.publication import (
    Document,
    NotCompleteError,
    Order,
    PeriodOrderError,
    answered,
    check_ended,
    publish,
    span,
    summary,
    totals,
)
from services.scoring.domain.records import (
    check_about,
    check_assessment,
    check_duty,
    check_finding,
    check_inspection,
    check_inspector,
    rules_of,
)
from services.scoring.domain.subjects import Compact, Subject, compact, gather, judged_again

__all__ = [
    "Compact",
    "Document",
    "NotCompleteError",
    "Order",
    "PeriodOrderError",
    "Subject",
    "answered",
    "check_about",
    "check_assessment",
    "check_duty",
    "check_ended",
    "check_finding",
    "check_inspection",
    "check_inspector",
    "compact",
    "gather",
    "judged_again",
    "publish",
    "rules_of",
    "span",
    "summary",
    "totals",
]
