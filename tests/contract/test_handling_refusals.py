"""What handling refuses over HTTP, on real MongoDB: bodies, moments, cursors, other cases, other units."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from jiandu.stack.stack import Stack
from shared.http.pages import Place, by_moment
from tests.conftest import FreshName
from tests.contract.handling_world import NOW, Api, World, a_world

pytestmark = pytest.mark.connected


@pytest.fixture(scope="module")
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    async with a_world(servers, fresh_name("handling")) as world:
        yield world


async def test_a_case_goes_on_only_inside_one_that_the_caller_sees_and_never_in_a_circle(
    world: World,
) -> None:
    """INVARIANT: merging takes no complaint out of everybody's sight.

    What breaks it: merging into any id; or two merges at once, each into the other.
    """
    officer, one, two = Api(world, "officer"), UUID(int=10), UUID(int=11)
    merge = {"do": "merge", "reason": "同一问题"}

    missing = await officer.do(one, **merge, into=str(UUID(int=9_999)))
    wuxis = await officer.do(one, **merge, into=str(UUID(int=9)))
    circle = await asyncio.gather(
        officer.do(one, **merge, into=str(two)), officer.do(two, **merge, into=str(one))
    )

    assert {**missing.json(), "request_id": ""} == {**wuxis.json(), "request_id": ""}
    assert (missing.status_code, missing.json()["code"]) == (404, "not-yet-here")
    # Both were received in the same minute, so the smaller id is the earlier one.
    assert [(answer.status_code, answer.json().get("code")) for answer in circle] == [
        (409, "cannot-merge"),
        (200, None),
    ]


async def test_a_case_goes_to_another_subsidiary_only_by_who_stands_above_both(world: World) -> None:
    """INVARIANT: nobody hands deadlines that are about to pass to a subsidiary that has no say in it.

    What breaks it: letting the head of a branch name any unit there is.
    """
    case, transfer = UUID(int=13), {"do": "transfer", "to_unit": "wuxi-branch", "reason": "属无锡公司项目"}

    by_head = await Api(world, "head").do(case, **transfer)
    by_importer = await Api(world, "importer").do(case, **transfer)
    within = await Api(world, "head").do(UUID(int=14), **{**transfer, "to_unit": "chongqing"})
    by_supervisor = await Api(world, "supervisor").do(case, **transfer)

    assert [one.status_code for one in (by_head, by_importer, within, by_supervisor)] == [403, 403, 200, 200]
    assert "Ask headquarters" in by_head.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"do": "withdraw", "reason": "x", "at": "0001-01-01T00:00:00+08:00"}, "withdraw.at"),
        (
            {"do": "reclassify", "reason": "x", "handover_on": "9999-12-31T23:00:00Z"},
            "reclassify.handover_on",
        ),
        (
            {"do": "make-finding", "validity": "valid", "warranty_before": "9999-12-31T23:59:59-08:00"},
            "warranty",
        ),
        ({"do": "agree-date", "step": "rectify", "on": "9999-12-31", "evidence": {"c": "c"}}, "agree-date"),
        (
            {"do": "extend", "step": "approve", "due_before": "0001-01-01T00:00:00+14:00", "reason": "x"},
            "extend",
        ),
        ({"do": "withdraw", "reason": "a\x00b"}, "withdraw.reason"),
        ({"do": "resolve", "outcome": "x", "acting_for": {"person": "a\x00b", "role": "r"}}, "person"),
        ({"do": "make-finding", "validity": "valid", "evidence": {"a\x00b": "f"}}, "evidence"),
        ({"do": "reclassify", "class_": "general", "reason": "x"}, "class_"),
    ],
)
async def test_what_no_command_can_hold_is_refused_by_name(
    world: World, body: dict[str, Any], field: str
) -> None:
    """What breaks it: a moment that no calendar reaches, or a text that no page can show."""
    answer = await Api(world, "importer").do(UUID(int=1), **body)

    assert answer.status_code == 422
    assert field in answer.json()["problems"][0]["field"]


@pytest.mark.parametrize("body", [b"{", b'{"do": "\xff"}', b"[" * 100_000, b"1" * 10_000, b'{"do": NaN}'])
async def test_a_body_that_cannot_be_read_is_the_body_s_fault(world: World, body: bytes) -> None:
    answer = await Api(world, "officer").send(UUID(int=1), body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert answer.headers["content-type"] == "application/problem+json"
    assert not answer.json()["problems"][0]["field"].isdigit()


@pytest.mark.parametrize(
    "place", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-07-01T00:00:00", "1"]
)
async def test_a_forged_cursor_is_refused(world: World, place: str) -> None:
    forged = Place.of("/v1/cases", "").on(f"{place}|{UUID(int=1)}")

    answer = await Api(world, "officer").get(cursor=str(forged))

    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "cursor")


async def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    """INVARIANT: a page never leaves rows out in silence.

    What breaks it: a cursor that says how far, and not in which list.
    """
    cursor = Place.of("/v1/cases", "").on(by_moment(NOW, UUID(int=1)))
    head = Api(world, "head")

    answers = [await head.get(path, cursor=str(cursor)) for path in ("", "/alerts")]

    assert [answer.status_code for answer in answers] == [200, 422]
    assert answers[1].json()["problems"][0]["field"] == "cursor"
