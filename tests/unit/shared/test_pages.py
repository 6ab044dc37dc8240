"""Claims about pages of lists, and about what a query may say."""

import pytest
from fastapi import APIRouter, Query
from fastapi.routing import APIRoute

from shared.errors import FieldProblem
from shared.http.pages import page_from, page_of
from shared.http.parameters import Body, UnknownParameterError, refuse_unknown

PLACES = {name: name.upper() for name in "ebdac"}


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9])
def test_every_row_comes_once_and_in_order_however_the_pages_are_cut(limit: int) -> None:
    found, pages = list[str](), 0
    cursor: str | None = ""
    while cursor is not None:
        page = page_from(PLACES, cursor, limit, str.lower)
        found, cursor, pages = [*found, *page.items], page.next, pages + 1

    assert found == list("abcde")
    assert pages == -(-len(PLACES) // limit)


def test_a_cursor_between_two_places_goes_on_with_the_later_one() -> None:
    assert page_from(PLACES, "bb", 2, str).items == ["C", "D"]
    assert page_from(PLACES, "z", 2, str) == page_from({}, "", 2, str)


def test_only_a_full_page_has_one_that_follows() -> None:
    full, last = page_of("ab", 2, str.upper, str), page_of("c", 2, str.upper, str)

    assert (full.items, full.next, last.items, last.next) == (["A", "B"], "b", ["C"], None)


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
