"""What holds of every score: of made-up sheets with any floors and caps, and of the sheets of the real rulebooks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.fold import MonthResult, canonical_bytes, fold
from services.scoring.domain.month import MonthContext
from services.scoring.domain.obligations import UnitRecord
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.postings import Posting
from services.scoring.domain.scorecards import Score, Scorecard, scorecards
from shared.events.facts import Fact
from shared.rulebook.schema.scoring import Item, Section, Sheet
from shared.timekeeping.calendar import Month
from shared.values.canonical import exact_sum
from tests.builders_facts import Told, at
from tests.builders_rules import an_edition, with_scoring
from tests.unit.rulebook.worked import edition_of, told_of

CALM = settings(deadline=None, max_examples=40)
LATER = at("2026-12-31 00:00")
TENTHS = st.integers(-200, 200).map(lambda tenths: Decimal(tenths) / 10)
WEIGHTS = st.integers(0, 300).map(lambda tenths: Decimal(tenths) / 10)
ITEMS = ("a", "b", "c", "d")
ORGANISATION = Organisation.of(Told().organisation("chongqing").facts)

# On made-up sheets


@st.composite
def bounds(draw: st.DrawFn, weight: Decimal) -> dict[str, Decimal]:
    """A floor at most at nothing, a cap at least at full marks, each there or not."""
    below, above = draw(WEIGHTS), draw(WEIGHTS)
    told = {"floor": -below, "cap": weight + above}
    return {key: told[key] for key in draw(st.sets(st.sampled_from(sorted(told))))}


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """Two sections of two items, bounded in every way that a rulebook can."""
    weights = {item: draw(WEIGHTS) for item in ITEMS}
    text = {"zh": "项", "en": "item"}
    sections = {}
    for key, inside in (("one", ITEMS[:2]), ("two", ITEMS[2:])):
        weight = exact_sum(weights[item] for item in inside)
        items = {
            item: {
                "title": text,
                "weight": weights[item],
                "how": {"method": "deduct"},
                "source": ("JK-15",),
                **draw(bounds(weights[item])),
            }
            for item in inside
        }
        sections[key] = {"title": text, "weight": weight, "items": items, **draw(bounds(weight))}
    full = exact_sum(weights.values())
    cap = draw(st.none() | WEIGHTS.map(lambda above: full + above))
    sheet = an_edition().slices[-1][1].scoring.sheets["branch-scorecard"].model_dump(by_alias=True)
    return Sheet.model_validate({**sheet, "full_marks": full, "sections": sections, "cap": cap})


POSTED = st.lists(st.tuples(st.sampled_from(ITEMS), TENTHS), max_size=12)


def a_posting(number: int, item: str, points: Decimal) -> Posting:
    return Posting(
        id=f"{number:03d}",
        sheet="made-up",
        item=item,
        offence=f"offence-{number}",
        rule="shirking",
        subject="A",
        points=points,
        unit="chongqing-branch",
        month="2026-07",
        at=at("2026-07-03 09:00"),
        clauses=("JK-15",),
        department="",
        person="",
        evidence=(),
        explanation_zh=(),
        explanation_en=(),
    )


def the_card(sheet: Sheet, posted: Sequence[Posting]) -> Scorecard:
    edition = an_edition()
    first, rules = edition.slices[-1]
    edition = replace(edition, slices=((first, with_scoring(rules, sheets={"made-up": sheet})),))
    context = MonthContext.of(edition, ORGANISATION, Month(2026, 7), LATER)
    cards = scorecards(posted, UnitRecord((), ORGANISATION, edition.calendar), (), context)
    return next(card for card in cards if card.sheet == "made-up")


def within(score: Score, said: Item | Section, most: Decimal | None = None) -> bool:
    highest = most if said.cap is None else said.cap
    return (said.floor is None or score.value >= said.floor) and (highest is None or score.value <= highest)


@CALM
@given(sheets(), POSTED)
def test_every_part_of_a_card_stays_within_its_own_bounds(
    sheet: Sheet, posted: list[tuple[str, Decimal]]
) -> None:
    """INVARIANT: an item, a section and a total are never below their floor nor above their cap.

    What breaks it: bounding a sum before all of it is added, or a bonus that lifts past the full marks.
    """
    card = the_card(sheet, [a_posting(number, *one) for number, one in enumerate(posted)])

    most = sheet.full_marks if sheet.cap is None else sheet.cap
    assert 0 <= card.total <= most
    assert all(within(section, sheet.sections[section.key]) for section in card.sections)
    assert all(
        within(item, sheet.sections[section.key].items[item.key], item.of)
        for section in card.sections
        for item in section.parts
    )


@CALM
@given(sheets(), POSTED.filter(bool), st.data())
def test_what_is_no_longer_posted_moves_a_total_only_the_other_way(
    sheet: Sheet, posted: list[tuple[str, Decimal]], data: st.DataObject
) -> None:
    """INVARIANT: without an offence a total is never lower, and without a bonus never higher.

    What breaks it: a floor or a cap that is applied to each posting in turn.
    """
    postings = [a_posting(number, *one) for number, one in enumerate(posted)]
    gone = data.draw(st.sampled_from(postings))

    without = (
        the_card(sheet, [one for one in postings if one is not gone]).total - the_card(sheet, postings).total
    )

    assert without * gone.points <= 0


@CALM
@given(sheets(), POSTED.flatmap(lambda posted: st.permutations(list(enumerate(posted)))))
def test_a_card_does_not_depend_on_the_order_of_its_postings(
    sheet: Sheet, posted: list[tuple[int, tuple[str, Decimal]]]
) -> None:
    shuffled = [a_posting(number, *one) for number, one in posted]

    assert the_card(sheet, shuffled) == the_card(sheet, sorted(shuffled, key=lambda one: one.id))


# On the sheets of two real rulebooks

UNITS = {"jinke": "chongqing-branch", "luneng": "yantai-service"}
WRONGS: Mapping[str, Sequence[tuple[str, Mapping[str, object]]]] = {
    "jinke": [
        ("finding", {"kind": "shirking"}),
        ("inspected", {"kind": "archives", "failed": ("timely",)}),
        ("inspected", {"kind": "archives", "failed": ("complete", "timely")}),
    ],
    "luneng": [
        ("finding", {"kind": "norm-broken"}),
        ("praised", {"to": "group"}),
        ("praised", {"to": "consumer-association"}),
    ],
}
"""What a unit does wrong, or well, that a clerk records as one fact."""

CHANGES = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 28)), max_size=10)


def told_in_july(group: str, changes: Sequence[tuple[int, int]]) -> Sequence[Fact]:
    told = told_of(group)
    for number, (which, day) in enumerate(changes):
        verb, fields = WRONGS[group][which]
        getattr(told, verb)(f"{verb}-{number}", f"2026-07-{day:02d} 09:00", unit=UNITS[group], **fields)
    return told.facts


def july(group: str, facts: Sequence[Fact]) -> MonthResult:
    result = fold(facts, edition_of(group), "2026-07", LATER)
    assert isinstance(result, MonthResult)
    return result


def total(group: str, changes: Sequence[tuple[int, int]]) -> Decimal:
    cards = july(group, told_in_july(group, changes)).scorecards
    return next(card.total for card in cards if card.unit == UNITS[group])


@pytest.mark.parametrize(("group", "most"), [("jinke", 100), ("luneng", 105)])
@CALM
@given(changes=CHANGES)
def test_a_total_is_between_nothing_and_what_the_regulation_gives_at_most(
    group: str, most: int, changes: list[tuple[int, int]]
) -> None:
    cards = july(group, told_in_july(group, changes)).scorecards

    assert all(0 <= card.total <= most for card in cards)


@pytest.mark.parametrize("group", UNITS)
@CALM
@given(changes=CHANGES.filter(bool), data=st.data())
def test_a_month_with_one_offence_less_is_never_worse_and_with_one_praise_less_never_better(
    group: str, changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, len(changes) - 1))
    praised = WRONGS[group][changes[number][0]][0] == "praised"

    gained = total(group, [*changes[:number], *changes[number + 1 :]]) - total(group, changes)

    assert gained <= 0 if praised else gained >= 0


@pytest.mark.parametrize("group", UNITS)
@settings(deadline=None, max_examples=15)
@given(changes=CHANGES, data=st.data())
def test_a_result_does_not_depend_on_the_order_in_which_its_facts_came(
    group: str, changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    facts = told_in_july(group, changes)

    shuffled = data.draw(st.permutations([*facts, *facts[-2:]]))

    assert canonical_bytes(july(group, shuffled)) == canonical_bytes(july(group, facts))
