"""A ledger goes out, is filled in, and comes back: on real servers. Rule LN-23."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from httpx2 import Response

from jiandu.stack.stack import Stack
from services.intake.api import export
from services.intake.api.sheets import grid_of
from services.intake.domain.ledger import Column
from services.intake.domain.sheets import MOST_ROWS
from tests.conftest import FreshName
from tests.contract.intake_world import Site, a_site
from tests.contract.test_intake_widened import an_edition_with_papers
from tests.unit.intake.builders import body

pytestmark = pytest.mark.connected

WHAT = "客厅窗户漏水，多次报修没有人来处理。"
ROWS = [
    {
        "种类": "客户投诉",
        "类别": "一般性投诉",
        "受理渠道": "来电",
        "客户名称": "张三丰",
        "客户地址": "重庆市江北区金科大道1号3栋502",
        "联系电话": "13812345678",
        "客户反映": WHAT,
        "其他登记内容": "demand：尽快维修；project：金科十年城",
        "受理时间": "2026-06-03 10:00",
    },
    {
        "种类": "complaint",
        "类别": "general",
        "受理渠道": "来函",
        "客户名称": "李四光",
        "联系电话": "13912345678",
        "客户反映": "电梯停运",
        "受理时间": "2026-06-04 09:30",
    },
]


@pytest.fixture
async def site(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Site]:
    async with a_site(servers.mongo_url, fresh_name("sheet"), edition=an_edition_with_papers()) as site:
        yield site


async def sent(
    site: Site, file: bytes, account: str = "officer", kind: str = export.XLSX, query: str = ""
) -> Response:
    headers = {**site.bearer(account), "Content-Type": kind}
    return await site.http.post(f"/v1/ledger{query}", content=file, headers=headers)


async def template(site: Site, query: str = "") -> list[list[str]]:
    """Return the headings of the ledger of a month without matters, as it is downloaded."""
    empty = await site.get(f"/v1/ledger?month=2026-01&format=xlsx{query}", "head")
    return grid_of(empty.content, export.XLSX)


def filled(headings: list[list[str]], rows: Sequence[dict[str, str]]) -> bytes:
    """Return the template with rows written into it."""
    columns = [Column(zh, zh, en) for zh, en in zip(*headings, strict=True)]
    return export.xlsx(columns, [{one.zh: row.get(one.zh, "") for one in columns} for row in rows])


async def ledger(site: Site) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = (await site.get("/v1/ledger?month=2026-06", "head")).json()["rows"]
    return rows


@pytest.mark.rule("LN-23")
async def test_the_downloaded_sheet_filled_in_comes_back_as_the_rows_of_the_ledger(site: Site) -> None:
    headings = await template(site)

    answer = await sent(site, filled(headings, ROWS))

    assert answer.status_code == 201, answer.text
    first, second = await ledger(site)
    # Two lines of headings, so the rows begin at the third.
    assert [(one["row"], one["number"]) for one in answer.json()["rows"]] == [
        (3, first["number"]),
        (4, second["number"]),
    ]
    assert (first["kind"], first["class"], first["channel"]) == ("客户投诉", "一般性投诉", "来电")
    assert (first["received_at"], first["name"], first["phone"]) == (
        "2026-06-03 10:00",
        "张**",
        "138****5678",
    )
    assert first["others"] == "demand：尽快维修；project：金科十年城"
    assert (second["received_at"], second["channel"], second["registered_by"]) == (
        "2026-06-04 09:30",
        "来函",
        "person-officer",
    )
    opened = await site.post(
        f"/v1/complaints/{answer.json()['rows'][0]['complaint_id']}/reveal", {"purpose": "核对"}, "head"
    )
    assert opened.json()["fields"]["words"] == WHAT


@pytest.mark.rule("LN-23")
async def test_one_bad_row_and_nothing_of_the_file_is_registered(site: Site) -> None:
    """INVARIANT: a file is taken whole or not at all, and every fault is named with its row and column.

    What breaks it: registering rows while later ones are still to be looked at.
    """
    bad = [
        ROWS[0],
        {**ROWS[1], "联系电话": "139****5678", "受理渠道": "飞鸽"},
        {**ROWS[1], "受理时间": "2126-06-04 09:30", "单位": "mars"},
        {**ROWS[1], "客户反映": "", "其他登记内容": "words：" + "漏" * 5_000},
    ]

    answer = await sent(site, filled(await template(site), bad))

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "ledger-refused")
    assert [(one["row"], one["column"]) for one in problem["problems"]] == [
        (4, "联系电话"),
        (4, "受理渠道"),
        (5, "受理时间"),
        (6, "客户反映"),
    ]
    assert all(one["reason"] for one in problem["problems"])
    assert "Faults: 4, in rows: 3" in problem["detail"]
    assert (await site.counted(), await ledger(site)) == (0, [])


async def test_a_downloaded_ledger_is_not_taken_for_new_matters(site: Site) -> None:
    await site.registered(received_at="2026-06-03T02:00:00Z")
    export_ = (await site.get("/v1/ledger?month=2026-06&format=xlsx", "head")).content

    answer = await sent(site, export_)

    columns = {one["column"] for one in answer.json()["problems"]}
    assert (answer.status_code, await site.counted()) == (422, 1)
    assert {"编号", "客户名称", "联系电话", "登记人", "状态"} <= columns


async def test_the_same_file_again_registers_nothing_and_answers_the_same(site: Site) -> None:
    """INVARIANT: a file is one command for each of its rows, however often it is sent and by however many at once.

    What breaks it: a key that is made anew for each request.
    """
    file = filled(await template(site), ROWS)

    first, beside = await asyncio.gather(sent(site, file), sent(site, file))
    again = await sent(site, file)
    as_text = await sent(
        site, export.csv_text([Column(key, key, key) for key in ROWS[0]], ROWS[:1]), kind=export.CSV
    )

    assert sorted([first.status_code, beside.status_code]) == [200, 201]
    assert (again.status_code, again.json()) == (200, first.json())
    # Another file is another command, whatever it says.
    assert (as_text.status_code, await site.counted()) == (201, 3)


async def test_late_entry_and_other_units_are_for_importers(site: Site) -> None:
    late = {**ROWS[0], "登记时间": "2026-06-03 10:05", "单位": "chongqing-branch"}
    file = filled(await template(site), [late])

    refused = await sent(site, file)
    elsewhere = await sent(site, filled(await template(site), [ROWS[0]]), query="?unit=chongqing")
    taken = await sent(site, file, "importer")

    assert (refused.status_code, elsewhere.status_code) == (403, 403)
    assert taken.status_code == 201, taken.text
    (row,) = await ledger(site)
    assert (row["unit"], row["registered_at"]) == ("chongqing-branch", "2026-06-03 10:05")
    shown = await site.get(f"/v1/complaints/{taken.json()['rows'][0]['complaint_id']}")
    assert shown.json()["imported"] is True


async def test_who_may_not_register_may_not_send_a_ledger(site: Site) -> None:
    assert (await sent(site, b"x", "hr")).status_code == 403


async def test_the_rulebook_s_own_ledger_is_taken_in_by_its_headings(site: Site) -> None:
    """The document `short` has number and customer; what it lacks stands beside it or holds for the whole file."""
    headings = [
        [*line, more]
        for line, more in zip(await template(site, "&document=short"), ("联系电话", ""), strict=True)
    ]
    wide = [[*line, *more] for line, more in zip(headings, (("客户反映", "受理时间"), ("", "")), strict=True)]
    rows = [
        {"客户": "王五", "联系电话": "13712345678", "客户反映": "路灯不亮", "受理时间": "2026-06-05 08:00"}
    ]

    answer = await sent(
        site, filled(wide, rows), query="?document=short&kind=complaint&channel=visit&class=general"
    )
    unknown = await sent(site, filled(wide, rows), query="?document=long&kind=complaint&channel=visit")

    assert answer.status_code == 201, answer.text
    assert [one["name"] for one in await ledger(site)] == ["王*"]
    assert (unknown.status_code, "it has: short" in unknown.json()["detail"]) == (404, True)


async def test_a_partner_s_number_comes_in_once(site: Site) -> None:
    centre = {**ROWS[0], "受理渠道": "centre", "来件编号": "XA0001"}
    known = await site.post("/v1/complaints", body(channel="centre", external_number="XA0002"))

    twice = await sent(site, filled(await template(site), [centre, centre, {**centre, "来件编号": "XA0002"}]))
    once = await sent(site, filled(await template(site), [centre]))
    again = await sent(site, filled(await template(site), [centre]))

    reasons = {one["row"]: one["reason"] for one in twice.json()["problems"]}
    assert reasons == {
        4: "the same as in row 3",
        5: f"registered already, as {known.json()['number']}",
    }
    assert (once.status_code, again.status_code) == (201, 200)


async def test_a_file_of_the_most_rows_is_registered_within_the_time_of_a_request(site: Site) -> None:
    many = [{**ROWS[1], "联系电话": f"139{number:08d}"} for number in range(MOST_ROWS)]

    answer = await sent(site, filled(await template(site), many))

    assert (answer.status_code, len(answer.json()["rows"])) == (201, MOST_ROWS)
    assert await site.counted() == MOST_ROWS
