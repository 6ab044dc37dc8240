"""Claims about pages of lists, and about what a query may say."""

import re

import pytest
from fastapi import APIRouter, Query, Request
from fastapi.routing import APIRoute

from shared.errors import FieldProblem, InvalidInputError
from shared.http.pages import Place, page_from, page_of, place
from shared.http.parameters import Body, UnknownParameterError, refuse_unknown

PLACES = {name: name.upper() for name in "ebdac"}


LIST = "/v1/things"


async def at(cursor: str | None, list_: str = LIST) -> Place:
    """Return where a request with this cursor begins."""
    return await place(Request({"type": "http", "path": list_}), cursor or "")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9])
async def test_every_row_comes_once_and_in_order_however_the_pages_are_cut(limit: int) -> None:
    found, pages = list[str](), 0
    cursor: str | None = ""
    while cursor is not None:
        page = page_from(PLACES, await at(cursor), limit, str.lower)
        found, cursor, pages = [*found, *page.items], page.next, pages + 1

    assert found == list("abcde")
    assert pages == -(-len(PLACES) // limit)


async def test_a_cursor_between_two_places_goes_on_with_the_later_one() -> None:
    assert page_from(PLACES, Place.of(LIST, "bb"), 2, str).items == ["C", "D"]
    assert page_from(PLACES, Place.of(LIST, "z"), 2, str) == page_from({}, await at(""), 2, str)


async def test_only_a_full_page_has_one_that_follows() -> None:
    beginning = await at("")
    full = page_of("ab", 2, str.upper, beginning, str)
    last = page_of("c", 2, str.upper, beginning, str)

    assert (full.items, await at(full.next), last.items, last.next) == (["A", "B"], "b", ["C"], None)


@pytest.mark.parametrize("name", ["chengdu/产品 1#甲\n|", "2026-07-01T00:00:00+00:00|x"])
async def test_a_cursor_may_stand_in_an_address_and_says_which_list_it_is_of(name: str) -> None:
    cursor = Place.of(LIST, "").on(name)
    assert cursor is not None
    assert re.fullmatch("[A-Za-z0-9_=-]+", cursor)

    assert await at(cursor) == name
    with pytest.raises(InvalidInputError):
        await at(cursor, "/v1/others")


@pytest.mark.parametrize("name", ["x", "0001-01-01T00:00:00+14:00|00000000-0000-0000-0000-000000000001"])
def test_a_name_that_holds_no_moment_and_id_is_refused_where_the_list_is_of_moments(name: str) -> None:
    with pytest.raises(InvalidInputError):
        Place.of(LIST, name).moment()
    assert Place.of(LIST, "").moment() is None


class _Asked(Body):
    kind: str = ""


def _route() -> APIRoute:
    router = APIRouter()

    @router.get("/things")
    async def things(asked: _Asked = Query()) -> str:  # noqa: B008  # FastAPI's own
        return asked.kind

    (route,) = router.routes
    assert isinstance(route, APIRoute)
    return route


def test_each_unknown_parameter_is_named_once_with_those_that_are_known() -> None:
    with pytest.raises(UnknownParameterError) as refused:
        refuse_unknown(b"kind=a&knd=b&knd=c&%E7%B1%BB=d", _route())

    reason = "unknown; known are: kind"
    assert list(refused.value.problems) == [FieldProblem("knd", reason), FieldProblem("类", reason)]


@pytest.mark.parametrize("query", [b"", b"kind=", b"kind=a&kind=b"])
def test_what_the_route_knows_is_not_refused(query: bytes) -> None:
    refuse_unknown(query, _route())
