"""A matter of any kind of any group is walked from its receipt to the closed file, by the rulebook alone."""

from datetime import UTC, datetime
from random import Random
from uuid import NAMESPACE_URL, uuid5

import pytest

from jiandu.demo.cast import IMPORTS, REGISTERS, Cast
from jiandu.demo.walk import Walk, Way
from services.handling.domain import Status, open_case, settle
from shared.errors import InvalidInputError
from shared.events import Envelope, Sealed, event_id, source_of
from shared.events.intake import ComplaintRegistered
from tests.builders_facts import at
from tests.unit.rulebook.worked import edition_of, organisation_of

GROUPS = ("luneng", "xinao", "zhongyida")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
RECEIVED = at("2026-07-06 10:00")


def matters() -> list[tuple[str, str, str]]:
    """Return every kind and class of matter of every group."""
    found = []
    for group in GROUPS:
        for key, kind in edition_of(group).slices[-1][1].intake.kinds.items():
            found += [(group, key, class_) for class_ in kind.classes or ("",)]
    return found


def a_walk(
    group: str, kind: str, class_: str = "", *, flags: tuple[str, ...] = (), way: Way | None = None
) -> Walk:
    edition, organisation = edition_of(group), organisation_of(group)
    rules = edition.slices[-1][1]
    cast = Cast(organisation, rules)
    unit = cast.registering()[0]
    services = rules.intake.kinds[kind].services
    event = ComplaintRegistered.model_validate(
        {
            "complaint_id": uuid5(NAMESPACE_URL, f"{group}/{kind}/{class_}"),
            "number": "N-1",
            "site": organisation.units[unit].site,
            "unit": unit,
            "kind": kind,
            "class_": class_,
            "channel": next(iter(rules.intake.channels)),
            "flags": flags,
            "received_at": RECEIVED,
            "registered_at": RECEIVED,
            "registered_by": cast.hand(unit, REGISTERS).person,
            "complete": True,
            "customer": "C",
            "imported": True,
            "sealed": Sealed(key="k", box="b"),
            "command_key": "k",
            "service": services[0] if services else "",
        }
    )
    source = source_of("intake", organisation.units[unit].site)
    envelope = Envelope(
        id=event_id(source, str(event.complaint_id), 1),
        source=source,
        type=event.TYPE,
        subject=str(event.complaint_id),
        time=RECEIVED,
        recordedtime=RECEIVED,
        correlationid="walk",
        group=group,
        unit=unit,
        edition=edition.name,
        editionhash=edition.hash,
        sequence=1,
        ordinal=1,
        data=event.model_dump(mode="json"),
    )
    case, _ = open_case(envelope, edition)
    return Walk(case, edition, cast, Random(7), way or Way(), RECEIVED, NOW)


def missed(walk: Walk) -> list[str]:
    """Return the clocks of a walked case that ran out."""
    case, _ = settle(walk.case, walk.edition, NOW)
    return sorted(clock.name for clock in case.clocks if clock.told)


@pytest.mark.parametrize(("group", "kind", "class_"), matters())
def test_a_matter_is_walked_to_its_end_and_nothing_is_late(group: str, kind: str, class_: str) -> None:
    walk = a_walk(group, kind, class_)

    deeds = walk.to_the_end()

    assert walk.case.status is Status.CLOSED
    assert missed(walk) == []
    assert [deed.at for deed in deeds] == sorted(deed.at for deed in deeds)


def test_a_step_that_is_to_be_late_is_late() -> None:
    walk = a_walk("luneng", "business", flags=("first-business",), way=Way(late=frozenset({"product-file"})))

    walk.to_the_end()

    assert missed(walk) == ["product-file"]


@pytest.mark.rule("LN-30")
def test_a_tender_closes_with_all_its_documents() -> None:
    walk = a_walk("luneng", "tender-request", flags=("public-tender",))

    deeds = walk.to_the_end()

    papers = {paper for deed in deeds for paper in deed.body.get("evidence", {})}
    assert papers == {
        "committee-decision",
        "method-sheet",
        "tender-notice",
        "tender-documents",
        "bids",
        "opening-register",
        "committee-sheet",
        "approval-sheet",
        "award-notice",
    }
    assert [deed.body["step"] for deed in deeds if "step" in deed.body] == [
        "committees",
        "method",
        "publish",
        "send-documents",
        "open",
        "evaluate",
        "approve-award",
        "award",
    ]


@pytest.mark.rule("LN-30")
@pytest.mark.parametrize("lacking", ["opening-register", "award-notice"])
def test_a_tender_goes_no_further_without_a_document(lacking: str) -> None:
    deeds = a_walk("luneng", "tender-request").to_the_end()
    walk = a_walk("luneng", "tender-request")
    refused_at = next(deed for deed in deeds if lacking in deed.body.get("evidence", {}))
    for deed in deeds[: deeds.index(refused_at)]:
        walk.enter(deed.body)
    papers = {key: files for key, files in refused_at.body["evidence"].items() if key != lacking}

    with pytest.raises(InvalidInputError, match=lacking):
        walk.enter({**refused_at.body, "evidence": papers})


def test_who_enters_for_a_unit_may_register_and_import() -> None:
    for group in GROUPS:
        cast = Cast(organisation_of(group), edition_of(group).slices[-1][1])
        for unit in cast.registering():
            role = cast.organisation.role_of(cast.importer(unit))
            assert {REGISTERS, IMPORTS} <= set(cast.rules.rights.roles[role].rights)
