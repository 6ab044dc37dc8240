"""What the demo bears with, and what it does not."""

import asyncio

import httpx2
import pytest

from jiandu.demo.wire import RefusedError, UnreachableError
from tests.unit.demo.services import Service, answer, refusal, wire_to

EARLY = frozenset({"not-closed-then"})


async def post(service: Service, early: frozenset[str] = frozenset(), *, patience_s: float = 5.0) -> object:
    wire = wire_to({"handling": service}, patience_s=patience_s)
    return await wire.post("handling", "wuxi-importer", "/v1/x", {"n": 1}, key="demo-7/x/1", early=early)


@pytest.mark.parametrize(
    "reply",
    [
        refusal(503, "try-later"),
        refusal(404, "not-yet-here"),
        httpx2.ConnectError("nobody listens"),
        httpx2.ReadTimeout("no answer"),
    ],
    ids=["down", "on its way", "killed", "hangs"],
)
async def test_what_is_away_or_on_its_way_is_asked_again_with_the_same_key_and_body(
    reply: httpx2.Response | Exception,
) -> None:
    service = Service(replies=[reply, reply])

    assert await post(service) == {"ok": True}

    assert [call.headers["idempotency-key"] for call in service.calls] == ["demo-7/x/1"] * 3
    assert len({call.content for call in service.calls}) == 1


async def test_a_conflict_passes_only_where_the_call_waits_for_an_event() -> None:
    service = Service(replies=[refusal(409, "not-closed-then")])
    assert await post(service, EARLY) == {"ok": True}

    with pytest.raises(RefusedError):
        await post(Service(replies=[refusal(409, "not-closed-then")]))


async def test_a_refusal_names_call_reason_and_field_and_is_not_repeated() -> None:
    wrong = refusal(
        422, "invalid-input", problems=[{"field": "fields.phone", "reason": "no telephone number"}]
    )
    service = Service(replies=[wrong])

    with pytest.raises(RefusedError, match=r"POST handling/v1/x: 422 .*fields\.phone: no telephone number"):
        await post(service)

    assert len(service.calls) == 1


async def test_a_missing_thing_that_is_not_on_its_way_is_refused() -> None:
    with pytest.raises(RefusedError, match="404 not-found"):
        await post(Service(replies=[refusal(404, "not-found")]))


async def test_a_service_that_says_when_to_come_back_is_left_alone_until_then() -> None:
    service = Service(
        replies=[httpx2.Response(503, json={"code": "try-later"}, headers={"Retry-After": "1"})]
    )
    began = asyncio.get_running_loop().time()

    await post(service)

    assert asyncio.get_running_loop().time() - began >= 1


async def test_what_stays_away_is_given_up_with_the_last_reason() -> None:
    service = Service(usual=lambda request: refusal(503, "broker-away"))
    with pytest.raises(UnreachableError, match="503 broker-away"):
        await post(service, patience_s=0.05)


async def test_one_account_signs_in_once_however_many_call() -> None:
    service = Service()
    wire = wire_to({"handling": service})

    calls = (wire.post("handling", "wuxi-importer", "/v1/x", {}, key=f"demo-7/{at}") for at in range(20))
    await asyncio.gather(*calls)

    assert service.signed_in == ["wuxi-importer"]
    assert {call.headers["authorization"] for call in service.calls} == {"Bearer token-1"}


async def test_a_session_that_is_not_known_any_more_is_made_anew() -> None:
    service = Service()
    wire = wire_to({"handling": service})
    await wire.get("handling", "director", "/v1/x")
    service.replies = [refusal(401, "unauthenticated")]

    assert await wire.get("handling", "director", "/v1/x") == {"ok": True}

    assert service.signed_in == ["director", "director"]


async def test_an_account_that_is_still_on_its_way_from_the_registry_is_waited_for_a_while() -> None:
    assert await post(Service(strangers=3)) == {"ok": True}

    with pytest.raises(RefusedError, match="wuxi-importer at handling: 401"):
        await post(Service(strangers=10_000))


async def test_a_call_that_needs_an_event_learns_how_long_events_take() -> None:
    service = Service(replies=[refusal(409, "not-closed-then")] * 3)
    wire = wire_to({"callback-1": service})
    for at in range(6):
        await wire.post("callback-1", "a", "/v1/x", {}, key=f"demo-7/{at}", early=EARLY)

    # Three refusals of the first call, and none after it: the others waited first.
    assert len(service.calls) == 9
    assert 0 < wire.lines["callback-1"].lag_s < 1
    assert wire.repeated == 3


async def test_answers_come_as_they_were_sent() -> None:
    service = Service(usual=lambda request: answer(points="-2.5"))
    assert await post(service) == {"points": "-2.5"}
