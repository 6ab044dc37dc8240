"""What handling and callback tell of a case, for tests of scoring. ``builders_facts`` tells the rest.

Moments are Shanghai clocks: ``"2026-07-03 10:00"``. Cases are named, and the name gives the id.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

import orjson

from services.scoring.domain.facts import fact_of
from shared.events import Event, event_id, iso, source_of, to_bytes
from shared.events.callback import (
    CallbackAttempted,
    CallbackCompleted,
    CallbackDue,
    CallbackMissed,
    CallbackRecalled,
    CallbackVoided,
)
from shared.events.facts import Fact
from shared.events.handling import (
    AppealDecided,
    CaseClosed,
    CaseReclassified,
    CaseReopened,
    CaseTransferred,
    CaseWithdrawn,
    ClockChanged,
    DeadlineCleared,
    DeadlineMissed,
    FindingMade,
    StepCompleted,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(local: str | datetime) -> datetime:
    """Return the instant that a Shanghai clock shows: ``at("2026-07-03 10:00")``."""
    moment = local if isinstance(local, datetime) else datetime.fromisoformat(str(local))
    return moment.replace(tzinfo=SHANGHAI).astimezone(UTC) if moment.tzinfo is None else moment


def case_id(name: str) -> str:
    """Return the id of the case with that name."""
    return str(case_uuid(name))


def case_uuid(name: str) -> UUID:
    """Return the same as a UUID."""
    return uuid5(NAMESPACE_URL, f"case/{name}")


class Teller:
    """Tells facts of cases, as handling and callback tell them."""

    def __init__(self, stream: str = "group", epoch: int = 1) -> None:
        """Begin with nothing told. In another epoch, no number is one that a service gives in its own log."""
        self.facts: list[Fact] = []
        self.envelopes: list[dict[str, Any]] = []
        self._stream, self._epoch = stream, epoch
        self._sequences: dict[str, int] = {}
        self._ordinals: dict[tuple[str, str], int] = {}

    def tell(self, service: str, subject: str, unit: str, time: str | datetime, event: Event) -> Fact:
        """Tell any event of a service about a subject."""
        source = source_of(service, self._stream, self._epoch)
        self._sequences[source] = sequence = self._sequences.get(source, 0) + 1
        self._ordinals[source, subject] = ordinal = self._ordinals.get((source, subject), 0) + 1
        body = to_bytes(
            {
                "specversion": "1.0",
                "id": str(event_id(source, subject, ordinal)),
                "source": source,
                "type": event.TYPE,
                "subject": subject,
                "time": iso(at(time)),
                "group": "jinke",
                "unit": unit,
                "sequence": sequence,
                "ordinal": ordinal,
                "data": event.model_dump(mode="json"),
            }
        )
        self.envelopes.append(orjson.loads(body))
        self.facts.append(fact_of(self.envelopes[-1]))
        return self.facts[-1]

    # Handling

    def missed(
        self,
        case: str,
        due: str | datetime,
        clock: str = "facts",
        unit: str = "chongqing-branch",
        **more: object,
    ) -> Fact:
        """A deadline passed. It is a step's unless ``step`` says otherwise; watches have none."""
        watches = ("recorded", "handled")
        event = DeadlineMissed.model_validate(
            {
                "complaint_id": case_id(case),
                "clock": clock,
                "step": "" if clock in watches else clock,
                "occurrence": 1,
                "procedure": "general",
                "due_before": at(due),
                "clause": "JK-03",
                "explanation_zh": (f"限 {due} 前",),
                "explanation_en": (f"due before {due}",),
                **more,
            }
        )
        return self.tell("handling", case_id(case), unit, due, event)

    def cleared(
        self, case: str, time: str, due: str, clock: str = "facts", unit: str = "chongqing-branch"
    ) -> Fact:
        """A miss told earlier does not stand."""
        event = DeadlineCleared(
            complaint_id=case_uuid(case), clock=clock, occurrence=1, due_before=at(due), reason="done-in-time"
        )
        return self.tell("handling", case_id(case), unit, time, event)

    def done(
        self,
        case: str,
        time: str | datetime,
        step: str = "facts",
        unit: str = "chongqing-branch",
        **more: object,
    ) -> Fact:
        """A step was done, in time unless ``in_time`` says otherwise."""
        event = StepCompleted.model_validate(
            {
                "complaint_id": case_id(case),
                "step": step,
                "occurrence": 1,
                "by": "officer",
                "clock": step,
                "in_time": True,
                **more,
            }
        )
        return self.tell("handling", case_id(case), unit, time, event)

    def found_valid(self, case: str, time: str, unit: str = "chongqing-branch", **more: object) -> Fact:
        """Validity was found."""
        event = FindingMade.model_validate(
            {
                "complaint_id": case_id(case),
                "validity": "valid",
                "class_": "general",
                "procedure": "general",
                "reason": "seen",
                "by": "officer",
                **more,
            }
        )
        return self.tell("handling", case_id(case), unit, time, event)

    def reclassified(self, case: str, time: str, unit: str = "chongqing-branch", **more: object) -> Fact:
        """A case's class or flags were corrected."""
        event = CaseReclassified.model_validate(
            {
                "complaint_id": case_id(case),
                "class_": "general",
                "procedure": "general",
                "reason": "seen",
                "by": "officer",
                **more,
            }
        )
        return self.tell("handling", case_id(case), unit, time, event)

    def reopened(self, case: str, time: str, occurrence: int = 2, unit: str = "chongqing-branch") -> Fact:
        """A closed case goes on."""
        event = CaseReopened(
            complaint_id=case_uuid(case), occurrence=occurrence, reason="again", by="officer"
        )
        return self.tell("handling", case_id(case), unit, time, event)

    def case_closed(
        self, case: str, time: str, occurrence: int = 1, unit: str = "chongqing-branch", **more: object
    ) -> Fact:
        """A case was closed."""
        event = CaseClosed.model_validate(
            {
                "complaint_id": case_id(case),
                "occurrence": occurrence,
                "kind": "complaint",
                "class_": "general",
                "validity": "valid",
                "way": "",
                "outcome": "done",
                "customer": f"customer-{case}",
                "problem_user": False,
                "imported": False,
                **more,
            }
        )
        return self.tell("handling", case_id(case), unit, time, event)

    def transferred(self, case: str, time: str, to_unit: str, unit: str = "chongqing-branch") -> Fact:
        """Another unit answers for a case from now on."""
        event = CaseTransferred(
            complaint_id=case_uuid(case), from_unit=unit, to_unit=to_unit, reason="theirs", by="officer"
        )
        return self.tell("handling", case_id(case), to_unit, time, event)

    def extended(
        self, case: str, time: str, due: str, clock: str = "facts", unit: str = "chongqing-branch"
    ) -> Fact:
        """A clock was given more time."""
        event = ClockChanged(
            complaint_id=case_uuid(case),
            clock=clock,
            change="extended",
            reason="hard",
            by="officer",
            approved_by="head",
            due_before=at(due),
        )
        return self.tell("handling", case_id(case), unit, time, event)

    def withdrawn(self, case: str, time: str, unit: str = "chongqing-branch") -> Fact:
        """The customer withdrew the matter."""
        event = CaseWithdrawn(complaint_id=case_uuid(case), reason="settled at home", by="officer")
        return self.tell("handling", case_id(case), unit, time, event)

    def appeal(
        self,
        case: str,
        time: str,
        against: str,
        upheld: bool = True,
        unit: str = "chongqing-branch",
        *,
        restates: bool = False,
    ) -> Fact:
        """An appeal was decided."""
        event = AppealDecided(
            complaint_id=case_uuid(case),
            appeal="a1",
            against=against,
            upheld=upheld,
            reasons="heard",
            by="judge",
            restates=restates,
        )
        return self.tell("handling", case_id(case), unit, time, event)

    # Callback

    def callback_due(
        self,
        case: str,
        time: str | datetime,
        due: str | datetime,
        occurrence: int = 1,
        unit: str = "chongqing-branch",
        plan: str = "p",
    ) -> Fact:
        """A customer is to be called back."""
        event = CallbackDue(
            complaint_id=case_uuid(case),
            occurrence=occurrence,
            plan=plan,
            earliest=at(time),
            due_before=at(due),
        )
        return self.tell("callback", case_id(case), unit, time, event)

    def callback_attempted(
        self, case: str, time: str, outcome: str = "unreachable", unit: str = "chongqing-branch"
    ) -> Fact:
        """A customer was called."""
        event = CallbackAttempted(
            complaint_id=case_uuid(case), occurrence=1, attempt=1, outcome=outcome, by="caller"
        )
        return self.tell("callback", case_id(case), unit, time, event)

    def callback_completed(
        self, case: str, time: str, satisfaction: int = 5, unit: str = "chongqing-branch", **more: object
    ) -> Fact:
        """A customer answered; the upper two levels are satisfied."""
        event = CallbackCompleted.model_validate(
            {
                "complaint_id": case_id(case),
                "occurrence": 1,
                "satisfaction": satisfaction,
                "satisfied": satisfaction >= 4,
                "by": "caller",
                **more,
            }
        )
        return self.tell("callback", case_id(case), unit, time, event)

    def callback_missed(self, case: str, due: str, unit: str = "chongqing-branch", plan: str = "p") -> Fact:
        """A callback's window closed."""
        event = CallbackMissed(
            complaint_id=case_uuid(case), occurrence=1, due_before=at(due), clause="JK-27", plan=plan
        )
        return self.tell("callback", case_id(case), unit, due, event)

    def callback_recalled(
        self, case: str, time: str, first: int, second: int, unit: str = "chongqing-branch", plan: str = "p"
    ) -> Fact:
        """A customer was called a second time; the two calls agree if they are on the same side of satisfied."""
        event = CallbackRecalled(
            complaint_id=case_uuid(case),
            occurrence=1,
            plan=plan,
            satisfaction=second,
            satisfied=second >= 4,
            agrees=(first >= 4) == (second >= 4),
            first_by="caller",
            by="supervisor",
        )
        return self.tell("callback", case_id(case), unit, time, event)

    def callback_voided(self, case: str, time: str, unit: str = "chongqing-branch") -> Fact:
        """A callback is not owed any more, because the case goes on."""
        event = CallbackVoided(complaint_id=case_uuid(case), occurrence=1, reason="reopened")
        return self.tell("callback", case_id(case), unit, time, event)
