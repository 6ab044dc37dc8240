"""Duties that come round: who owes which one for which period, and whether it was done.

A month judges what falls due in it, with what had happened by its end; a week belongs to the month of its
Thursday and may end in the next one, so it is judged when both are over. A kind of duty is a way in which it is
done, and the module here that bears the name that a rulebook writes in ``done_by``.
"""

from services.scoring.domain.obligations.agenda import Publishing, agenda, instances, publishing
from services.scoring.domain.obligations.base import Duty, Fulfilment, Status
from services.scoring.domain.obligations.fulfilment import KINDS, fulfilment, status
from services.scoring.domain.obligations.record import CUSTOMERS, Amounts, UnitRecord
from services.scoring.domain.obligations.report import is_report

__all__ = [
    "CUSTOMERS",
    "KINDS",
    "Amounts",
    "Duty",
    "Fulfilment",
    "Publishing",
    "Status",
    "UnitRecord",
    "agenda",
    "fulfilment",
    "instances",
    "is_report",
    "publishing",
    "status",
]
