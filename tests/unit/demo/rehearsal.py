"""The demo's scenario played on the services' own decisions, without HTTP, broker or database.

Every call meets the pure function that the service would call; a refusal names the call. What comes out are the
facts that scoring would have, so the fold says what the demo will end with.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from jiandu.demo.scenario import Call, Scenario, Story
from services.callback import domain as callback
from services.handling import domain as handling
from services.intake.domain import complaints as intake
from services.intake.domain import customers, forms
from services.registry.domain.units import seeded
from services.scoring import domain as scoring
from services.scoring.domain.facts import ORGANISATION_TYPES, fact_of
from services.scoring.domain.fold import MonthResult, PeriodResult, fold, totals_of
from services.scoring.domain.month import Tariffs
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.rankings import MonthTotals
from shared.errors import SupervisionError
from shared.events import Envelope, Happened, Sealed, event_id
from shared.events.intake import ComplaintRegistered, CustomersCounted, PraiseReceived, RecordAmended
from shared.events.scoring import (
    AssessmentRecorded,
    DisputeRuled,
    DutyFulfilled,
    FigureReported,
    InspectionRecorded,
    OffenceFound,
)
from shared.rulebook.edition import Edition
from shared.rulebook.load import load_edition, load_organisation
from shared.rulebook.schema.organisation import Organisation as Seed
from shared.timekeeping.calendar import add_months
from shared.values.idempotency import Command

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 20, tzinfo=UTC)
SEALED = Sealed(key="k", box="b")
ORGANISATION = load_organisation(ROOT / "rulebooks/jinke/organisation.yaml")


def jinke() -> Edition:
    """Return the edition that the demo is played under."""
    return load_edition(ROOT / "rulebooks/jinke", ROOT / "rulebooks/calendars")


class RefusedError(Exception):
    """A call of the scenario was refused."""


@dataclass
class Rehearsal:
    """What has happened so far."""

    edition: Edition
    organisation: Seed = ORGANISATION
    told: list[dict[str, Any]] = field(default_factory=list)
    cases: dict[str, handling.Case] = field(default_factory=dict)
    matters: dict[str, callback.Matter] = field(default_factory=dict)
    records: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, customers.Customer] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    customers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    commands: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _ordinals: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    _sequences: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @classmethod
    def of(cls, scenario: Scenario, edition: Edition, organisation: Seed = ORGANISATION) -> "Rehearsal":
        """Play a scenario, and let silence speak up to what was declared."""
        played = cls(edition, organisation)
        played.establish()
        for story in scenario.stories:
            played.play(story)
        played.sweep(scenario.declared)
        played.count(scenario)
        return played

    def within(self, unit: str, top: str) -> bool:
        """Say whether a unit is another one or lies below it."""
        return top in self.above(unit)

    def above(self, unit: str | None) -> list[str]:
        """Return a unit and those above it."""
        return [unit, *self.above(self.organisation.units[unit].parent)] if unit else []

    def establish(self) -> None:
        for name in self.organisation.units:
            event = seeded(name, self.organisation)
            self._tell("registry", "group", f"unit/{name}", [Happened(event, NOW, name)])

    def play(self, story: Story) -> None:
        ids: dict[str, str] = {}
        for call in story.calls:
            try:
                self._one(call, ids)
                self.ids |= ids
            except (SupervisionError, ValueError) as error:
                raise RefusedError(f"{call.key} {call.path} {call.body}: {error}") from error

    def sweep(self, up_to: datetime) -> None:
        for key, case in self.cases.items():
            self.cases[key], happened = handling.settle(case, self.edition, up_to)
            self._tell("handling", case.site, key, happened, case.unit)
        for key, matter in self.matters.items():
            self.matters[key], told = callback.settle(matter, up_to)
            self._tell("callback", matter.site, key, told)

    def count(self, scenario: Scenario) -> None:
        """Tell how many customers were on file when each month ended, as the intakes' census does."""
        for closing in scenario.closings:
            year, _, month = closing.period.partition("-")
            if month.isdigit():
                end = self.edition.calendar.at(add_months(date(int(year), int(month), 1), 1), time(0))
                for unit, number in self.customers.items():
                    event = CustomersCounted(unit=unit, month=closing.period, normal=number, all=number)
                    self._tell(
                        "intake", unit, f"census/{unit}/{closing.period}", [Happened(event, end, unit)]
                    )

    def results(self, scenario: Scenario) -> dict[str, PeriodResult]:
        """Close the periods as the demo does."""
        facts = [fact_of(one) for one in self.told]
        published: dict[str, MonthTotals] = {}
        found: dict[str, PeriodResult] = {}
        for closing in scenario.closings:
            result = fold(facts, self.edition, closing.period, closing.at or NOW, published)
            found[closing.period] = result
            if isinstance(result, MonthResult):
                published[closing.period] = totals_of(result)
        return found

    # --- one call

    def _one(self, call: Call, ids: dict[str, str]) -> None:
        body = orjson.loads(orjson.dumps(call.body))
        body = {key: ids[value[1:-1]] if _is_name(value, ids) else value for key, value in body.items()}
        body = {key: ids[call.about] if value == "{case}" else value for key, value in body.items()}
        self.commands[str(body.get("do") or call.path)] += 1
        if call.path == "/v1/complaints":
            ids[call.about] = self._register(call, body)
        elif call.service == "intake":
            self._intake(call, body, ids)
        elif call.service == "handling":
            self._command(call, body, ids[call.about])
        elif call.service == "callback":
            self._attempt(call, body, ids[call.about])
        elif call.rule:
            self._rule(call, body, ids[call.about])
        else:
            self._record(call, body)

    def _register(self, call: Call, body: dict[str, Any]) -> str:
        unit = body.pop("unit")
        body["class_"] = body.pop("class", "")
        body["flags"] = tuple(body.get("flags", ()))
        body |= {
            key: _moment(body[key]) for key in ("received_at", "registered_at", "handover_on") if key in body
        }
        said = intake.Submission(**body)
        found = intake.examine(said, self.edition.at(call.at), NOW)
        key = intake.id_of(unit, call.key)
        event = ComplaintRegistered(
            complaint_id=UUID(key),
            number=intake.number_of(call.site, "202607", key),
            site=call.site,
            unit=unit,
            kind=said.kind,
            class_=said.class_,
            item=said.item,
            flags=said.flags,
            channel=said.channel,
            received_at=found.received_at,
            registered_at=found.registered_at,
            registered_by=call.account,
            handover_on=said.handover_on,
            complete=not found.missing,
            missing=found.missing,
            customer=forms.identity(found.values),
            imported=True,
            sealed=SEALED,
            command_key=call.key,
            service=said.service,
            tier=found.tier,
            grade=found.grade,
            about_unit=said.about_unit,
        )
        self.records[key] = dict(found.values)
        unit = said.about_unit or unit
        happened = [Happened(event, found.registered_at, unit)]
        for envelope in self._tell("intake", call.site, key, happened):
            self.cases[key], opened = handling.open_case(envelope, self.edition)
            self._tell("handling", call.site, key, opened, unit)
            self.matters[key], _ = callback.follow(None, envelope, self._edition_of)
        return key

    def _edition_of(self, _hash: str) -> Edition:
        return self.edition

    def _intake(self, call: Call, body: dict[str, Any], ids: Mapping[str, str]) -> None:
        if call.path == "/v1/praises":
            event = PraiseReceived(
                praise_id=uuid5(NAMESPACE_URL, call.key),
                unit=body["unit"],
                to=body["to"],
                received_at=body["received_at"],
                customer="",
                sealed=SEALED,
            )
            self._tell("intake", call.site, f"praise/{call.key}", [Happened(event, call.at, body["unit"])])
            return
        if call.path == "/v1/customers":
            self.customers[body["unit"]] += 1
            return
        key = ids[call.about]
        case = self.cases[key]
        if call.path.startswith("/v1/customers/"):
            self._flag(call, body, case)
            return
        form = forms.form_for(self.edition.at(case.received_at), case.kind)
        checked = forms.check(form, {**self.records[key], **body["fields"]})
        assert not checked.problems
        amended = RecordAmended(
            complaint_id=case.complaint_id,
            complete=not checked.missing,
            missing=checked.missing,
            by=call.account,
            reason=body["reason"],
        )
        self._tell("intake", call.site, key, [Happened(amended, call.at, case.unit)])

    def _flag(self, call: Call, body: dict[str, Any], case: handling.Case) -> None:
        person, at = self.organisation.accounts[call.account].person, _moment(body.get("at")) or NOW
        rules = self.edition.at(at)
        rights = rules.rights.roles[self.organisation.people[person].role].rights
        who, command = forms.identity(self.records[str(case.complaint_id)]), Command(call.key, "d", "r")
        known = self.files.get(who) or customers.opened(who, case.unit, SEALED, case.received_at)
        name, rule = customers.standard(rules)
        assert "at" not in body or "complaints.import" in rights
        if call.path.endswith("/decision"):
            assert "customers.confirm-flag" in rights
            known, told = customers.decide(
                known, **body, by=person, at=at, rule=rule, calendar=self.edition.calendar, command=command
            )
        else:
            assert "customers.flag" in rights
            customers.examine_proposal(body["evidence"], rule)
            behaviours = tuple(body["evidence"])
            known, told = customers.propose(
                known, rule=name, behaviours=behaviours, evidence=SEALED, by=person, at=at, command=command
            )
        self.files[who] = known
        self._tell("intake", call.site, f"customer/{who}", [Happened(told, at, case.unit)])

    def _command(self, call: Call, body: dict[str, Any], key: str) -> None:
        account = self.organisation.people[self.organisation.accounts[call.account].person]
        rights = self.edition.at(call.at).rights.roles[account.role].rights
        by = handling.Actor(
            person=call.account, unit=account.unit, role=account.role, rights=frozenset(rights)
        )
        command = handling.parse_command(body)
        assert handling.RIGHTS[command.do] in rights, (command.do, account.role)
        assert command.acting_for
        assert command.acting_for.person in self.organisation.people
        assert self.organisation.people[command.acting_for.person].role == command.acting_for.role
        other = self.cases[str(command.into)] if isinstance(command, handling.Merge) else None
        case, happened = handling.decide(self.cases[key], command, by, self.edition, NOW, other, self.within)
        self.cases[key] = case
        for envelope in self._tell("handling", case.site, key, happened, case.unit):
            self.matters[key], told = callback.follow(self.matters[key], envelope, self._edition_of)
            self._tell("callback", case.site, key, told)

    def _attempt(self, call: Call, body: dict[str, Any], key: str) -> None:
        matter = self.matters[key]
        made = callback.Call(
            outcome=callback.Outcome(body["outcome"]),
            at=call.at,
            who=self._dialler(call, body),
            key=call.key,
            digest="d",
            satisfaction=body.get("satisfaction"),
            solved=body.get("solved"),
            answers=body.get("answers", {}),
            call_back_at=_moment(body.get("call_back_at")),
        )
        task = matter.task_at(call.at)
        assert task is not None
        checked = callback.check(made, callback.questionnaire_of(task, self.edition))
        self.matters[key], _, told = callback.attempt(matter, made, checked, None, self.edition, NOW)
        for envelope in self._tell("callback", matter.site, key, told, task.unit):
            case, happened = handling.follow(self.cases[key], envelope, self.edition)
            self.cases[key] = case
            for more in self._tell("handling", case.site, key, happened, case.unit):
                self.matters[key], _ = callback.follow(self.matters[key], more, self._edition_of)

    def _dialler(self, call: Call, body: dict[str, Any]) -> callback.Dialler:
        if behalf := body.get("acting_for"):
            units = frozenset(self.above(behalf["unit"]))
            return callback.Dialler(behalf["person"], call.account, behalf["role"], units)
        return callback.Dialler(call.account, call.account)

    def _record(self, call: Call, body: dict[str, Any]) -> None:
        body.pop("at")
        kind, rules = call.path.rsplit("/", 1)[1], self.edition.at(call.at)
        unit = self.organisation.units[body["unit"]]
        if kind == "inspections":
            seen = InspectionRecorded(inspection=call.key, by=call.account, **body)
            scoring.check_inspection(seen, rules, unit.kind)
            happened = Happened(seen, call.at, body["unit"])
        elif kind == "findings":
            found = OffenceFound(finding=call.key, by=call.account, **body)
            scoring.check_finding(found, rules)
            happened = Happened(found, call.at, body["unit"])
        elif kind == "duties":
            done = DutyFulfilled(by=call.account, **body)
            scoring.check_duty(done, rules, unit.kind)
            happened = Happened(done, call.at, body["unit"])
        elif kind == "figures":
            figure = FigureReported(by=call.account, **body)
            scoring.check_figure(figure, rules, unit.kind)
            happened = Happened(figure, call.at, body["unit"])
        else:
            assessed = AssessmentRecorded(by=call.account, **body)
            scoring.check_assessment(assessed, rules)
            happened = Happened(assessed, call.at, body["unit"])
        self._tell("scoring", unit.site, f"{kind}/{call.key}", [happened])

    def _rule(self, call: Call, body: dict[str, Any], key: str) -> None:
        """Rule over a posting that scoring has by then."""
        facts = [fact_of(one) for one in self.told if one["type"] in ORGANISATION_TYPES]
        about = [one for one in self.told if fact_of(one).subject == key]
        cost, _, _ = scoring.gather(None, about, Tariffs.of(self.edition), Organisation.of(facts), call.at)
        posting = next(one for one in cost.postings.values() if one["rule"] == call.rule)
        assert posting["unit"] == body["unit"]
        body.pop("at")
        ruled = DisputeRuled(offence=posting["offence"], about=key, by=call.account, **body)
        happened = Happened(ruled, call.at, body["unit"])
        self._tell("scoring", call.site, f"ruling/{call.key}", [happened])

    def _tell(
        self, service: str, stream: str, subject: str, happened: Iterable[Happened], unit: str = ""
    ) -> list[Envelope]:
        source = f"jiandu/{service}/{stream}/1"
        envelopes = []
        for one in happened:
            self._sequences[source] += 1
            self._ordinals[source, subject] += 1
            ordinal = self._ordinals[source, subject]
            envelopes.append(
                Envelope(
                    id=event_id(source, subject, ordinal),
                    source=source,
                    type=one.event.TYPE,
                    subject=subject,
                    time=one.time,
                    group=self.edition.group,
                    unit=one.unit or unit,
                    edition=self.edition.name,
                    editionhash=self.edition.hash,
                    sequence=self._sequences[source],
                    ordinal=ordinal,
                    recordedtime=NOW,
                    correlationid="rehearsal",
                    data=one.event.model_dump(mode="json"),
                )
            )
        self.told += [one.model_dump(mode="json") for one in envelopes]
        return envelopes


def _is_name(value: object, ids: Mapping[str, str]) -> bool:
    return isinstance(value, str) and value.startswith("{") and value[1:-1] in ids


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
