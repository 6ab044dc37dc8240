"""The catalogue of events: recorded schemas, publishers, routing, envelope."""

import ast
import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from jiandu.documents import cli
from shared.broker.topology import DELIVERY_LIMIT, FOLLOWS, PREFIX, Queue, exchange_of, topology
from shared.events import (
    EVENTS,
    PUBLISHERS,
    Envelope,
    Happened,
    UnknownEventError,
    event_id,
    read,
    stream_of,
    to_bytes,
)
from shared.events.scoring import PeriodClosed, ScorePosted
from shared.storage.aggregates import Stamp, Stored, change_of
from tests.architecture.tree import ROOT, modules

NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)
SERVICES = (*(service for service in FOLLOWS if service != "intake"), "intake")

TOLD_BY_OTHERS_TOO = {("callback", "PersonalDataRevealed"): "whoever opens a customer's data tells it"}

PERSONAL = {"phone", "address", "words", "id_number", "email"}
"""Fields that an event may hold only inside ``Sealed``."""


def _made_in(service: str) -> set[str]:
    """Return the names of classes that a service calls, directly or by ``model_construct``."""
    made = set()
    for path, tree in modules().items():
        if path.is_relative_to(ROOT / "services" / service):
            for node in ast.walk(tree):
                if isinstance(node, ast.Call):
                    of = node.func
                    of = of.value if isinstance(of, ast.Attribute) and of.attr == "model_construct" else of
                    made.add(of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", ""))
    return made


def _posted(points: str = "-2") -> ScorePosted:
    return ScorePosted(
        posting="p",
        sheet="branch",
        item="handling",
        offence="o",
        rule="late",
        points=Decimal(points),
        unit="chongqing-branch",
        month="2026-07",
        clause="JK-04",
    )


def _draft() -> dict[str, object]:
    stamp = Stamp(
        service="scoring",
        stream="chongqing",
        group="jinke",
        unit="chongqing-branch",
        recorded=NOON,
        correlation="c",
    )
    (draft,) = change_of(Stored("s"), {}, [Happened(_posted(), NOON)], stamp, index={}).drafts
    return draft


def _queues() -> list[Queue]:
    return [queue for service in SERVICES for queue in topology(service, "chongqing").queues]


# --- contract


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_is_as_it_was_recorded(kind: str) -> None:
    """INVARIANT: what consumers rely on changes knowingly or not at all.

    What breaks it: renaming, removing or re-meaning a field. That makes a ``.v2`` and an upcaster. A new
    optional field keeps the version: record it with ``python -m jiandu.documents.cli schemas``.
    """
    recorded = (cli.SCHEMAS / f"{kind}.json").read_text("utf-8")

    assert cli.schema_of(EVENTS[kind]) == recorded


def test_no_recorded_event_has_vanished() -> None:
    """INVARIANT: what stands in a log can be read for ever.

    What breaks it: deleting an event class whose entries are in logs.
    """
    assert {path.stem for path in cli.SCHEMAS.glob("*.json")} == set(EVENTS)


def test_a_type_belongs_to_one_class_of_one_publisher() -> None:
    told = [event.TYPE for events in cli.catalogue().values() for event in events]

    assert sorted(told) == sorted(EVENTS)


@pytest.mark.parametrize("kind", EVENTS)
def test_a_type_is_the_name_of_its_class_with_a_version(kind: str) -> None:
    words = re.findall(r"[A-Z][a-z]*", EVENTS[kind].__name__)
    name, _, version = kind.rpartition(".")

    assert re.split(r"[.-]", name) == [word.lower() for word in words]
    assert re.fullmatch(r"v[1-9]\d*", version)


@pytest.mark.parametrize("service", PUBLISHERS)
def test_every_event_is_told_by_its_publisher(service: str) -> None:
    """INVARIANT: the catalogue promises nothing that never comes.

    What breaks it: an event class that no code of its service makes.
    """
    made = _made_in(service)
    silent = {event.TYPE for event in cli.catalogue()[service] if event.__name__ not in made}

    assert silent == set()


def test_an_event_tells_only_of_its_publisher() -> None:
    """INVARIANT: a fact has one owner.

    What breaks it: a service that makes an event of another's module.
    """
    names = {event.__name__: service for service, events in cli.catalogue().items() for event in events}
    foreign = {
        (service, name)
        for service in PUBLISHERS
        for name in _made_in(service)
        if names.get(name, service) != service
    }

    assert foreign == TOLD_BY_OTHERS_TOO.keys()


def test_personal_data_travels_only_sealed() -> None:
    """INVARIANT: erasing a key erases the person everywhere.

    What breaks it: a field for a customer's own data beside ``sealed``.
    """
    open_fields = {
        (kind, name) for kind, event in EVENTS.items() for name in event.model_fields if name in PERSONAL
    }

    assert open_fields == set()


# --- envelope


def test_an_event_of_the_log_is_an_envelope() -> None:
    draft = _draft()

    envelope = Envelope.model_validate({**draft, "sequence": 1})

    assert read(envelope) == _posted()
    # The trace is the one attribute that the log does not write.
    assert set(Envelope.model_fields) - draft.keys() == {"sequence", "traceparent"}


def test_attributes_are_named_as_cloudevents_allows() -> None:
    # CloudEvents 1.0: lower-case letters and digits, at most 20 of them advised.
    wrong = [name for name in Envelope.model_fields if not re.fullmatch(r"[a-z0-9]{1,20}", name)]

    assert wrong == []


def test_the_same_event_has_the_same_bytes() -> None:
    """INVARIANT: keys are sorted and decimals are strings, so a hash can be computed again anywhere.

    What breaks it: a decimal as a number, or keys in order of insertion.
    """
    draft = _draft()
    reversed_draft = dict(reversed(draft.items()))

    assert to_bytes(draft) == to_bytes(reversed_draft)
    assert orjson.loads(to_bytes(draft))["data"]["points"] == "-2"
    assert list(json.loads(to_bytes(draft))) == sorted(draft)


def test_doing_the_same_work_again_gives_the_same_id() -> None:
    first = event_id("jiandu/scoring/chongqing/1", "s", 1)

    assert str(first) == _draft()["id"]
    assert (
        len(
            {
                first,
                event_id("jiandu/scoring/chongqing/1", "s", 2),
                event_id("jiandu/scoring/chongqing/2", "s", 1),
            }
        )
        == 3
    )


def test_a_field_that_a_consumer_does_not_know_is_passed_over() -> None:
    draft = _draft()
    data = {**_posted().model_dump(mode="json"), "of-tomorrow": 1}

    assert read(Envelope.model_validate({**draft, "data": data, "oftomorrow": "x"})) == _posted()


def test_a_type_that_a_consumer_does_not_know_is_named() -> None:
    with pytest.raises(UnknownEventError, match=r"score\.posted\.v9"):
        read(Envelope.model_validate({**_draft(), "type": "score.posted.v9"}))


def test_a_published_period_says_what_it_rests_on() -> None:
    required = {name for name, field in PeriodClosed.model_fields.items() if field.is_required()}

    assert {"watermark", "facts_hash", "edition_hash", "result_hash", "as_of", "version"} <= required


# --- routing


def test_the_routing_key_is_the_stream() -> None:
    assert stream_of(str(_draft()["source"])) == "chongqing"


@pytest.mark.parametrize("service", SERVICES)
def test_every_name_on_the_broker_is_ours(service: str) -> None:
    wanted = topology(service, "chongqing")
    names = [*(one.name for one in wanted.exchanges), *(one.name for one in wanted.queues)]

    assert [name for name in names if not name.startswith(f"{PREFIX}.")] == []
    assert exchange_of(service, "chongqing") in names


def test_every_queue_is_replicated_states_its_limit_and_drops_nothing() -> None:
    """INVARIANT: the broker loses no message, whichever version it is.

    What breaks it: a classic queue, an unstated delivery limit, a length limit or a lifetime.
    """
    arguments = {queue.name: dict(queue.arguments) for queue in _queues()}

    assert len(arguments) == 10  # of each of the five services its requests and its main queue
    assert {
        name: one
        for name, one in arguments.items()
        if one != {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
    } == {}


@pytest.mark.parametrize("service", ["handling", "callback", "scoring", "registry"])
def test_a_service_of_the_group_binds_all_of_a_source(service: str) -> None:
    """INVARIANT: a gap in a source's sequence means loss, because nothing is left out on purpose.

    What breaks it: binding only the types that are wanted.
    """
    (main,) = [queue for queue in topology(service, "group").queues if queue.name == f"{PREFIX}.{service}"]

    assert {key for _, key in main.bindings} == {"#"}


def test_a_site_receives_its_own_stream_and_what_is_for_all() -> None:
    (main,) = [
        queue for queue in topology("intake", "chongqing").queues if not queue.name.endswith("requests")
    ]

    assert {key for _, key in main.bindings} == {"chongqing", "all"}


def test_score_events_are_open_to_any_other_system() -> None:
    # docs/score-events.md names this exchange.
    assert exchange_of("scoring", "") == "jiandu.from.scoring"
    assert "jiandu.from.scoring" in (ROOT / "docs" / "score-events.md").read_text("utf-8")
