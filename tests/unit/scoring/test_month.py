"""Tariffs: an edition's offences as prices, each with everything that its rule says, found by what triggers it."""

from dataclasses import fields
from datetime import date

import pytest

from services.scoring.domain.month import MonthContext, Price, Tariff, Tariffs
from services.scoring.domain.obligations import Publishing, publishing
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.triggers.missed_deadline import priced_by
from shared.events.handling import DeadlineMissed
from shared.rulebook.schema.triggers import MissedDeadline, Praise
from shared.timekeeping.calendar import Month
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition
from tests.unit.rulebook.worked import edition_of

GROUPS = ("general", "jinke", "luneng", "xinao", "zhongyida")


@pytest.mark.parametrize("group", GROUPS)
def test_a_price_says_what_its_offence_says_and_nothing_else(group: str) -> None:
    rules = edition_of(group).slices[-1][1]
    tariff = Tariff.of(rules)
    found = {price.rule: price for prices in tariff.prices.values() for price, _ in prices}
    found |= {price.rule: price for price in tariff.combined}

    assert found.keys() == rules.scoring.offences.keys()
    for key, price in found.items():
        offence = rules.scoring.offences[key]
        sheet, trigger = rules.scoring.sheets[offence.sheet], offence.trigger
        weights = {name: item.weight for part in sheet.sections.values() for name, item in part.items.items()}
        assert price == Price(
            key,
            offence.sheet,
            offence.item,
            -weights[offence.item] if offence.forfeits else offence.points,
            offence.forfeits,
            sheet.unit_kind,
            offence.source,
            offence.against == "department-and-person",
            frozenset(offence.with_all),
            frozenset(offence.replaces),
            type(trigger) if trigger else None,
            sheet.peers,
        )
    assert tariff.replacing == {key: one.replaces for key, one in found.items() if one.replaces}
    assert tariff.uncounted_kinds == {
        key for key, kind in rules.intake.kinds.items() if not kind.counts_as_complaint
    }


@pytest.mark.parametrize("group", GROUPS)
def test_a_price_is_found_by_the_kind_of_its_trigger_and_by_all_that_it_is_about(group: str) -> None:
    rules = edition_of(group).slices[-1][1]
    tariff = Tariff.of(rules)

    for key, offence in rules.scoring.offences.items():
        if trigger := offence.trigger:
            assert trigger.about
            for about in trigger.about:
                assert (key, trigger) in [
                    (price.rule, by) for price, by in tariff.priced(type(trigger), about)
                ]
    assert {kind for kind, _ in tariff.prices} == {
        type(one.trigger) for one in rules.scoring.offences.values() if one.trigger
    }
    assert tariff.priced(Praise, "nobody") == ()


@pytest.mark.parametrize("group", GROUPS)
def test_before_a_rulebook_begins_nothing_has_a_price(group: str) -> None:
    tariffs = Tariffs.of(edition_of(group))
    first, tariff = tariffs.slices[0]
    before = tariffs.on(date(1990, 1, 1))

    assert before is tariffs.before
    assert tariffs.on(first) is tariff
    assert not any((before.prices, before.combined, before.replacing, before.counts_again))
    kept = {part.name for part in fields(Tariff)} - {"prices", "combined", "replacing", "counts_again"}
    assert {name: getattr(before, name) for name in kept} == {name: getattr(tariff, name) for name in kept}


def test_a_step_costs_by_its_clock_its_own_name_or_as_any_step_and_once_by_each_rule() -> None:
    tariff = Tariff.of(an_edition().slices[-1][1])
    told = Told().missed("A", "2026-07-06 18:00")

    def rules_for(clock: str, step: str) -> list[str]:
        missed = DeadlineMissed.view({**told.data, "clock": clock, "step": step})
        return [price.rule for price, _ in priced_by(tariff, missed)]

    any_step = [price.rule for price, _ in tariff.priced(MissedDeadline, "steps")]
    watch, named = next(
        (about, [price.rule for price, _ in prices])
        for (kind, about), prices in tariff.prices.items()
        if kind is MissedDeadline and about != "steps"
    )

    assert rules_for("unheard-of", "unheard-of-too") == any_step
    assert rules_for("facts", "facts") == any_step
    assert rules_for("unheard-of", "") == []
    assert rules_for(watch, "") == named
    assert rules_for("unheard-of", watch) == list(dict.fromkeys([*named, *any_step]))


def test_a_month_has_its_days_and_ends_where_the_next_one_begins() -> None:
    context = MonthContext.of(an_edition(), Organisation({}, {}), Month(2026, 2), at("2026-03-05 00:00"))

    assert (context.first_day, context.last_day) == (date(2026, 2, 1), date(2026, 2, 28))
    assert (context.start, context.end, context.before) == (
        at("2026-02-01 00:00"),
        at("2026-03-01 00:00"),
        at("2026-03-01 00:00"),
    )
    assert context.of_month(Month(2026, 1)).last_day == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("moment", "open_", "closing"),
    [
        ("2026-02-15 12:00", "2026-03-01 00:00", "2026-03-01 00:00"),
        ("2026-02-01 00:00", "2026-03-01 00:00", "2026-02-01 00:00"),
        ("2026-03-01 00:00", "2026-04-01 00:00", "2026-03-01 00:00"),
        ("2025-12-01 00:00", "2026-01-01 00:00", "2025-12-01 00:00"),
        ("2025-12-01 00:01", "2026-01-01 00:00", "2026-01-01 00:00"),
    ],
)
def test_midnight_of_the_first_belongs_to_its_own_month_unless_it_closes_the_one_before(
    moment: str, open_: str, closing: str
) -> None:
    context = MonthContext.of(an_edition(), Organisation({}, {}), Month(2026, 2), at("2026-03-05 00:00"))

    assert context.month_end(at(moment)) == at(open_)
    assert context.month_end(at(moment), closing=True) == at(closing)


@pytest.mark.parametrize("group", GROUPS)
def test_scores_are_published_as_the_rules_of_the_months_last_day_say(group: str) -> None:
    edition = edition_of(group)
    found = publishing(edition, Month(2026, 7))
    rules = edition.on(date(2026, 7, 31)).scoring.publications

    assert found == tuple(
        Publishing(
            key, rules[key].to, rules[key].sheets, "2026-07", one.due_before, one.provisional, one.lines
        )
        for key, one in zip(sorted(rules), found, strict=True)
    )
    assert all(one.due_before > at("2026-08-01 00:00") and one.lines for one in found)
