"""Facts for tests of scoring, told as the services tell them and read back as scoring reads them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from services.scoring.domain.obligations import Duty
from shared.events import Sealed
from shared.events.facts import Fact
from shared.events.intake import ComplaintRegistered, CustomersCounted, PraiseReceived, RecordAmended
from shared.events.registry import UnitClosed, UnitEstablished
from shared.events.scoring import (
    AssessmentRecorded,
    DisputeRuled,
    DutyFulfilled,
    FigureReported,
    InspectionRecorded,
    OffenceFound,
)
from tests.builders_cases import SHANGHAI, Teller, at, case_id, case_uuid

__all__ = ["SEALED", "SECTIONS", "SHANGHAI", "SITES", "Told", "at", "case_id", "case_uuid"]

SEALED = Sealed(key="k", box="b")
SITES = ("changsha", "chengdu", "chongqing", "wuxi")
SECTIONS = ("cases", "causes", "shortcomings", "proposals")


class Told(Teller):
    """A teller of facts: each method tells one, in the order of the calls."""

    # The organisation

    def established(
        self, unit: str, kind: str, parent: str = "", site: str = "", on: str = "2005-06-01", lead: str = ""
    ) -> Fact:
        """A unit exists from a day on."""
        event = UnitEstablished(
            unit=unit,
            kind=kind,
            parent=parent or None,
            site=site or "group",
            name_zh=unit,
            name_en=unit,
            established_on=date.fromisoformat(str(on)),
            service_lead=lead,
        )
        return self.tell("registry", f"unit/{unit}", unit, "2026-01-01", event)

    def closed(self, unit: str, on: str) -> Fact:
        """A unit ceases on a day."""
        event = UnitClosed(unit=unit, closes_on=date.fromisoformat(str(on)))
        return self.tell("registry", f"unit/{unit}", unit, "2026-01-01", event)

    # Complaints

    def registered(
        self,
        case: str,
        time: str,
        unit: str = "chongqing-branch",
        missing: Sequence[str] = (),
        **more: object,
    ) -> Fact:
        """A complaint was registered; its record is complete unless something is ``missing``."""
        event = ComplaintRegistered.model_validate(
            {
                "complaint_id": case_id(case),
                "number": case,
                "site": "chongqing",
                "unit": unit,
                "kind": "complaint",
                "class_": "general",
                "channel": "visit",
                "received_at": at(time),
                "registered_at": at(time),
                "registered_by": "clerk",
                "complete": not missing,
                "missing": tuple(missing),
                "customer": f"customer-{case}",
                "sealed": SEALED,
                "command_key": case,
                **more,
            }
        )
        return self.tell("intake", case_id(case), unit, time, event)

    def amended(
        self, case: str, time: str, missing: Sequence[str] = (), unit: str = "chongqing-branch"
    ) -> Fact:
        """A complaint's record was filled in."""
        event = RecordAmended(
            complaint_id=case_uuid(case),
            complete=not missing,
            missing=tuple(missing),
            by="clerk",
            reason="told",
        )
        return self.tell("intake", case_id(case), unit, time, event)

    def praised(self, praise: str, time: str, to: str, unit: str = "chongqing-branch") -> Fact:
        """A customer praised a unit to somebody."""
        praise_id = case_uuid(praise)
        event = PraiseReceived(
            praise_id=praise_id, unit=unit, to=to, received_at=at(time), customer="c", sealed=SEALED
        )
        return self.tell("intake", f"praise/{praise_id}", unit, time, event)

    # Scoring

    def finding(
        self,
        finding: str,
        time: str,
        kind: str,
        unit: str = "chongqing-branch",
        case: str = "",
        **more: object,
    ) -> Fact:
        """An inspector found an offence."""
        event = OffenceFound.model_validate(
            {
                "finding": finding,
                "kind": kind,
                "unit": unit,
                "complaint_id": case_id(case) if case else "",
                "evidence": ("photo",),
                "reason": "seen",
                "by": "inspector",
                **more,
            }
        )
        return self.tell("scoring", f"finding/{finding}", unit, time, event)

    def inspected(
        self,
        inspection: str,
        time: str | datetime,
        kind: str,
        unit: str = "chongqing-branch",
        observations: Mapping[str, Any] | None = None,
        failed: Sequence[str] = (),
    ) -> Fact:
        """A unit was inspected."""
        event = InspectionRecorded(
            inspection=inspection,
            kind=kind,
            unit=unit,
            by="inspector",
            observations={key: Decimal(str(seen)) for key, seen in (observations or {}).items()},
            failed_aspects=tuple(failed),
        )
        return self.tell("scoring", f"inspection/{inspection}", unit, time, event)

    def fulfilled(
        self,
        obligation: str,
        period: str,
        time: str | datetime,
        unit: str = "chongqing-branch",
        sections: Sequence[str] = SECTIONS,
        *,
        nil: bool = False,
    ) -> Fact:
        """A duty was done, or there was nothing to report."""
        event = DutyFulfilled(
            obligation=obligation,
            unit=unit,
            period=str(period),
            sections=() if nil else tuple(sections),
            by="head",
            nil=nil,
        )
        return self.tell("scoring", f"duty/{obligation}/{unit}/{period}", unit, time, event)

    def reported(
        self, figure: str, period: str, value: object, time: str, unit: str = "chongqing-branch"
    ) -> Fact:
        """A figure of a unit was reported."""
        event = FigureReported(
            figure=figure, unit=unit, period=str(period), value=Decimal(str(value)), by="finance"
        )
        return self.tell("scoring", f"figure/{figure}/{unit}/{period}", unit, time, event)

    def customers(
        self, month: str, normal: int, time: str, problem: int = 0, unit: str = "chongqing-branch"
    ) -> Fact:
        """The customers on file were counted when a month ended; ``problem`` of them beside the normal ones."""
        event = CustomersCounted(unit=unit, month=str(month), normal=normal, all=normal + problem)
        return self.tell("intake", f"customers/{unit}/{month}", unit, time, event)

    def assessed(
        self, person: str, time: str, month: str, part: str, score: object, unit: str = "chongqing-sales"
    ) -> Fact:
        """A part of an employee's monthly result was given."""
        event = AssessmentRecorded(
            person=person,
            unit=unit,
            month=month,
            scheme="desk-officer",
            part=part,
            score=Decimal(str(score)),
            by="head",
        )
        return self.tell("scoring", f"assessment/{person}/{month}/{part}", unit, time, event)

    def ruled(
        self,
        offence: str,
        about: str,
        time: str,
        upheld: bool = True,
        unit: str = "chongqing-branch",
        *,
        restates: bool = False,
    ) -> Fact:
        """A dispute over a posting was ruled."""
        event = DisputeRuled(
            offence=offence,
            about=about,
            unit=unit,
            upheld=upheld,
            reasons="heard",
            by="director",
            restates=restates,
        )
        return self.tell("scoring", f"dispute/{offence}", unit, time, event)

    # Whole months

    def does(self, duty: Duty, time: datetime) -> Fact:
        """A duty was done once, in the way in which such duties are done."""
        match duty.rule.done_by:
            case "report":
                return self.fulfilled(
                    duty.obligation, duty.period, time, duty.unit, tuple(duty.rule.sections)
                )
            case "inspection":
                return self.inspected(f"{duty.about}-{duty.period}", time, duty.rule.inspection, duty.about)

    def organisation(self, *sites: str) -> "Told":
        """Four subsidiaries, each with a branch and a sales desk, unless ``sites`` names fewer."""
        self.established("group", "group-centre")
        for site in sites or SITES:
            self.established(site, "subsidiary", "group", site)
            self.established(f"{site}-branch", "branch", site, site, lead=f"{site}-head")
            self.established(f"{site}-sales", "sales-desk", f"{site}-branch", site)
        return self

    def clean_month(self, site: str, month: str = "2026-07", without: Collection[str] = ()) -> "Told":
        """What a branch does in a month that costs nothing; ``without`` leaves duties out."""
        first = date.fromisoformat(f"{month}-01")
        before = (first - timedelta(days=1)).isoformat()[:7]
        branch = f"{site}-branch"
        if "analysis-report" not in without:
            self.fulfilled("analysis-report", before, f"{month}-03 10:00", branch)
        if "proposal" not in without:
            self.fulfilled("proposal", month, f"{month}-20 10:00", branch, ("proposal",))
        if "sales-desk-inspection" not in without:
            monday = first - timedelta(days=first.weekday())
            for week in range(6):
                tuesday = monday + timedelta(days=7 * week + 1)
                self.inspected(f"{site}-{tuesday}", f"{tuesday} 10:00", "weekly-sales-desk", f"{site}-sales")
        return self
