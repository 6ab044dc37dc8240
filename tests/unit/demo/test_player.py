"""Stories side by side: each in its own order, with the ids that registration gave."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import orjson
import pytest

from jiandu.demo.player import Player
from jiandu.demo.scenario import Call, Closing, Declaration, Scenario, Story
from jiandu.demo.wire import RefusedError, UnreachableError
from tests.unit.demo.services import Service, answer, refusal, wire_to

AT = datetime(2026, 7, 3, 2, tzinfo=UTC)


def a_call(service: str, path: str, about: str, number: int, **body: object) -> Call:
    return Call(
        at=AT + timedelta(hours=number),
        service=service,  # type: ignore[arg-type]  # one of the four
        site="wuxi",
        account="wuxi-importer",
        path=path,
        body=body,
        key=f"{about}/{number}",
        about=about,
    )


def a_scenario(*stories: Story) -> Scenario:
    wuxi = (Declaration("wuxi-branch", "wuxi", "wuxi-importer"),)
    return Scenario(stories, AT, wuxi, (Closing("2026-07", AT), Closing("2026-Q3", AT)))


def registers(request: httpx2.Request) -> httpx2.Response:
    """Give ids that tell which key they are for; every complaint is the same customer's."""
    if request.method == "GET":
        return answer(customer="c-1")
    return answer(complaint_id=f"id-of-{request.headers['idempotency-key']}")


async def test_the_id_of_a_registration_stands_in_the_paths_and_bodies_that_follow() -> None:
    intake, handling = Service(usual=registers), Service()
    told = Story(
        "merged",
        "wuxi",
        (
            a_call("intake", "/v1/complaints", "first", 1, kind="complaint"),
            a_call("intake", "/v1/complaints", "second", 2, kind="complaint"),
            a_call("handling", "/v1/cases/{case}/commands", "second", 3, do="merge", into="{first}"),
            a_call("handling", "/v1/findings", "second", 4, complaint_id="{case}", reason="{nobody}"),
        ),
    )

    await Player(wire_to({"intake-wuxi": intake, "handling": handling}), "demo-7").play(a_scenario(told))

    assert handling.calls[0].url.path == "/v1/cases/id-of-demo-7/second/2/commands"
    assert handling.bodies[0]["into"] == "id-of-demo-7/first/1"
    assert handling.bodies[1] == {"complaint_id": "id-of-demo-7/second/2", "reason": "{nobody}"}


def costs(*rules: str) -> httpx2.Response:
    found = [{"rule": rule, "id": f"posting-of-{rule}"} for rule in rules]
    return httpx2.Response(200, json={"items": found, "next": None})


async def test_a_path_names_the_customer_and_what_the_complaint_cost_once_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jiandu.demo.player._COSTED_EVERY_S", 0.01)
    intake = Service(usual=registers)
    scoring = Service(replies=[costs(), costs("other"), costs("other", "shirking")])
    ruling = a_call("scoring", "/v1/postings/{posting}/ruling", "one", 3, upheld=True)
    told = Story(
        "one",
        "wuxi",
        (
            a_call("intake", "/v1/complaints", "one", 1, kind="complaint"),
            a_call("intake", "/v1/customers/{customer}/flags", "one", 2),
            replace(ruling, rule="shirking"),
        ),
    )

    await Player(wire_to({"intake-wuxi": intake, "scoring": scoring}), "demo-7").play(a_scenario(told))

    assert intake.calls[-1].url.path == "/v1/customers/c-1/flags"
    assert scoring.calls[0].url.path == "/v1/matters/id-of-demo-7/one/1/postings"
    assert [call.method for call in scoring.calls] == ["GET", "GET", "GET", "POST"]
    assert scoring.calls[-1].url.path == "/v1/postings/posting-of-shirking/ruling"


async def test_a_posting_that_never_comes_ends_the_play_and_names_the_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jiandu.demo.player._COSTED_EVERY_S", 0.01)
    scoring = Service(usual=lambda request: costs("other"))
    ruling = replace(a_call("scoring", "/v1/postings/{posting}/ruling", "one", 1), rule="shirking")
    player = Player(wire_to({"scoring": scoring}, patience_s=0.05), "demo-7")

    with pytest.raises(UnreachableError, match="shirking"):
        await player.play(a_scenario(Story("one", "wuxi", (ruling,))))


async def test_each_story_keeps_its_order_and_the_whole_quarter_is_entered(smallest: Scenario) -> None:
    services = {f"intake-{site}": Service(usual=registers) for site in smallest.importers}
    services |= {name: Service() for name in ("handling", "callback-1", "callback-2")}
    services["scoring"] = Service(
        usual=lambda request: costs("shirking", "hr-shirking") if request.method == "GET" else answer()
    )
    seen: dict[str, int] = defaultdict(int)

    def advance(service: str, calls: int) -> None:
        seen[service] += calls

    await Player(wire_to(services), "demo-7", advance).play(smallest, side_by_side=7)

    assert sum(seen.values()) == smallest.calls
    place = {
        f"demo-7/{call.key}": (story.name, at)
        for story in smallest.stories
        for at, call in enumerate(story.calls)
    }
    for service in services.values():
        entered = defaultdict(list)
        for call in service.posts:
            story, at = place[call.headers["idempotency-key"]]
            entered[story].append(at)
        assert all(places == sorted(places) for places in entered.values())
    assert services["callback-1"].calls
    assert services["callback-2"].calls


async def test_a_refusal_ends_the_play_and_names_story_and_body() -> None:
    intake = Service(replies=[refusal(422, "invalid-input")])
    told = Story("wrong", "wuxi", (a_call("intake", "/v1/complaints", "wrong", 1, kind="nonsense"),))

    with pytest.raises(RefusedError) as refused:
        await Player(wire_to({"intake-wuxi": intake}), "demo-7").play(a_scenario(told))

    assert "nonsense" in "".join(refused.value.__notes__)


async def test_imports_are_declared_and_periods_published_as_of_the_days_they_were_due() -> None:
    intake, scoring = Service(), Service()
    player = Player(wire_to({"intake-wuxi": intake, "scoring": scoring}), "demo-7")

    await player.declare(a_scenario())
    await player.close(a_scenario())

    assert intake.bodies == [{"complete_up_to": "2026-07-03T02:00:00+00:00", "unit": "wuxi-branch"}]
    assert [call.url.path for call in scoring.calls] == [
        "/v1/periods/2026-07/close",
        "/v1/periods/2026-Q3/close",
    ]
    assert orjson.loads(scoring.calls[0].content) == {"at": "2026-07-03T02:00:00+00:00"}


class Positions:
    """Where the logs stand: handling lags behind intake for some looks, then sweeps."""

    def __init__(self) -> None:
        self.looks = 0

    def of(self, name: str) -> Service:
        def reply(request: httpx2.Request) -> httpx2.Response:
            self.looks += name == "handling"
            swept = 4 if self.looks < 4 else 6
            heads = {
                "intake-wuxi": {"jiandu/intake/wuxi/1": 5},
                "handling": {"jiandu/handling/wuxi/1": swept},
            }
            intake = 3 if self.looks < 3 else 5
            received = {"jiandu/intake/wuxi/1": intake, "jiandu/handling/wuxi/1": swept}
            return httpx2.Response(200, json={"heads": heads.get(name, {}), "received": received})

        return Service(usual=reply)


async def test_nothing_is_settled_while_events_are_under_way_or_sweeps_still_find_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jiandu.demo.player._LOOK_EVERY_S", 0)
    positions = Positions()
    names = ("intake-wuxi", "registry", "handling", "callback-1", "scoring")
    seen: list[int] = []

    await Player(wire_to({name: positions.of(name) for name in names}), "demo-7").settled(seen.append)

    # Each of handling, callback and scoring lacks two events at the first two looks. The fourth look sees what a
    # sweep told; three more looks see it unchanged.
    assert seen[:2] == [6, 6]
    assert len(seen) == 4 + 3
