"""Pure: what may be recorded, how facts gather under a subject, and what a publication tells."""

from services.scoring.domain.publication import (
    Document,
    NotCompleteError,
    PeriodOrderError,
    check_ended,
    publish,
    span,
    totals,
)
from services.scoring.domain.records import check_duty, check_finding, check_inspection
from services.scoring.domain.subjects import Compact, Subject, compact, gather

__all__ = [
    "Compact",
    "Document",
    "NotCompleteError",
    "PeriodOrderError",
    "Subject",
    "check_duty",
    "check_ended",
    "check_finding",
    "check_inspection",
    "compact",
    "gather",
    "publish",
    "span",
    "totals",
]
