"""The two hotline assessments of the field, from the order that comes in to the month's points: by their YAML alone.

Their worked months stand in ``tests/cases/field/<hotline>/examples``; here the facts of a month are those that
handling itself tells.
"""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.handling import domain
from services.handling.domain.refusals import DeadlinePassedError, NotPermittedByRulebookError
from services.scoring.domain.fold import MonthResult, fold
from shared.events import Envelope
from shared.events.facts import Fact
from shared.events.handling import CaseReopened
from tests.unit.handling.builders import Story, a_registration, an_actor, on
from tests.unit.handling.test_moves import a_callback
from tests.unit.handling.test_replay import facts_of
from tests.unit.rulebook.worked import edition_of, told_of

ROOT = Path(__file__).parents[3]
AS_OF = on("08-10 00:00")


def at_unit(envelope: Envelope, unit: str) -> Envelope:
    return envelope.model_copy(update={"unit": unit, "group": ""})


class Order(Story):
    """An order of the hotline to one of its units."""

    def __init__(self, group: str, unit: str, **registration: object) -> None:
        self.group, self.unit = group, unit
        self.said: dict[str, Any] = {
            "kind": "demand",
            "unit": unit,
            "site": unit,
            "missing": [],
            **registration,
        }
        super().__init__(at_unit(a_registration(**self.said), unit), edition_of(group))
        self.heard: list[Envelope] = []

    def by_unit(self, kind: str, at: str, **fields: object) -> list[str]:
        return self.do(kind, at, an_actor("handler", unit=self.unit, edition=self.edition), **fields)

    def by_centre(self, kind: str, at: str, **fields: object) -> list[str]:
        return self.do(kind, at, an_actor("hotline-centre", unit="group", edition=self.edition), **fields)

    def called_back(self, at: str, occurrence: int = 1, *, satisfaction: int, solved: bool) -> list[str]:
        """Let the customer answer; two or less re-opens the order, as the plan says."""
        plans = self.edition.on(date(2026, 7, 1)).callback.plans.values()
        (reopen_at,) = {plan.reopen_at for plan in plans}
        reopen = satisfaction <= (reopen_at or 0)
        answer = a_callback(at, occurrence, reopen=reopen)
        said = {"satisfaction": satisfaction, "satisfied": satisfaction > 3, "solved": solved}
        envelope = at_unit(answer.model_copy(update={"data": {**answer.data, **said}}), self.unit)
        self.heard.append(envelope)
        told = self.take(domain.follow(self.case, envelope, self.edition))
        return [one.event.TYPE for one in told]

    def month(self) -> MonthResult:
        """Fold July from what was told of the order, and of nothing else."""
        own: list[Fact] = [one._replace(unit=self.unit) for one in facts_of(self.happened, **self.said)]
        callbacks = [
            Fact(
                f"c{number}", "jiandu/callback/group/1", number, one.type, one.subject, self.unit, one.time, "", one.data
            )
            for number, one in enumerate(self.heard, 1)
        ]  # fmt: skip
        result = fold([*told_of(self.group).facts, *own, *callbacks], self.edition, "2026-07", AS_OF)
        assert isinstance(result, MonthResult)
        return result


def share(result: MonthResult, indicator: str, unit: str) -> tuple[int, int]:
    (found,) = [one for one in result.indicators if (one.indicator, one.unit) == (indicator, unit)]
    return int(found.hits), int(found.of)


def test_hotline_a_an_order_extended_in_time_and_handled_again_after_the_callback() -> None:
    """Received Wed 1 July; five working days from the day after it end with Wed 8 July.

    Asked on the 8th, granted to the end of Wed 15 July, replied to on the 14th: in time. The customer is
    dissatisfied on Wed 15 July 10:00, so it is handled again within three working days: Thu, Fri, Mon 20 July.
    Replied to on Thu 23 July 12:00, two whole days late: 2 × 0.1.
    """
    order = Order("hotline-a", "district-a", class_="")
    order.by_unit("complete-step", "07-01 15:00", step="contact")
    order.by_unit("ask-extension", "07-08 23:59", step="reply", reason="要请专家看")
    order.sweep("07-09 09:00")
    granted = order.by_centre("extend", "07-09 10:00", step="reply", on="2026-07-15", reason="同意")
    first = order.due("reply")
    order.by_unit("complete-step", "07-14 16:00", step="reply")
    order.by_unit("close", "07-14 16:30")

    again = order.called_back("07-15 10:00", satisfaction=2, solved=False)
    second = order.due("reply")
    order.sweep("07-22 09:00")
    order.by_unit("complete-step", "07-23 12:00", step="reply")
    order.by_unit("close", "07-23 12:30")
    order.called_back("07-24 10:00", 2, satisfaction=5, solved=True)
    july = order.month()

    assert (granted, first) == (["clock.changed.v1", "deadline.cleared.v1"], "07-16 00:00")
    assert (again, second, order.missed) == (["case.reopened.v1"], "07-21 00:00", ["reply#2 07-21 00:00"])
    assert order.last(CaseReopened).occurrence == 2
    assert [(one.rule, str(one.points)) for one in july.postings] == [("overdue-day", "-0.1")] * 2
    assert {
        key: share(july, key, "district-a") for key in ("response", "extended", "rehandled", "solved")
    } == {
        "response": (1, 1),
        "extended": (1, 1),
        "rehandled": (1, 2),
        "solved": (1, 2),
    }


def test_hotline_a_grants_nothing_that_was_asked_after_expiry() -> None:
    order = Order("hotline-a", "district-a", class_="")

    with pytest.raises(DeadlinePassedError):
        order.by_unit("ask-extension", "07-09 00:00", step="reply", reason="太迟")
    with pytest.raises(NotPermittedByRulebookError):
        order.by_centre("extend", "07-08 10:00", step="reply", on="2026-07-15", reason="未申请")


def test_hotline_b_has_limits_by_class_one_extension_and_other_prices() -> None:
    """An urgent demand of Wed 1 July 09:00: accepted in half an hour, answered in two hours, replied to in 24.

    Dissatisfied on Fri 3 July 10:00: again within 24 hours, Sat 4 July 10:00. Replied to on Wed 8 July 12:00: Mon 6
    and Tue 7 July are the working days that passed, and Wed 8 not yet: 2 × 0.2; re-handled once: 0.5.
    """
    order = Order("hotline-b", "east", class_="urgent")
    clocks = {clock: order.due(clock) for clock in ("accept", "contact", "reply")}
    order.by_unit("complete-step", "07-01 09:20", step="accept")
    order.by_unit("complete-step", "07-01 10:00", step="contact")
    order.by_unit("complete-step", "07-02 08:00", step="reply")
    order.by_unit("close", "07-02 08:30")

    again = order.called_back("07-03 10:00", satisfaction=1, solved=False)
    second = order.due("reply")
    order.by_unit("complete-step", "07-08 12:00", step="reply")
    order.by_unit("close", "07-08 12:30")
    july = order.month()

    assert clocks == {"accept": "07-01 09:30", "contact": "07-01 11:00", "reply": "07-02 09:00"}
    assert (again, second, order.missed) == (["case.reopened.v1"], "07-04 10:00", ["reply#2 07-04 10:00"])
    assert sorted((one.rule, str(one.points)) for one in july.postings) == [
        ("overdue-day", "-0.2"),
        ("overdue-day", "-0.2"),
        ("rehandled", "-0.5"),
    ]
    assert [share(july, key, "east") for key in ("response", "reopened")] == [(1, 1), (1, 2)]


def test_the_engine_knows_nothing_of_either() -> None:
    """INVARIANT: a regulation that nobody has seen needs YAML only.

    What breaks it: a branch for one regulation's key or clause in the engine.
    """
    sources = [path for part in ("services", "shared", "jiandu") for path in (ROOT / part).rglob("*.py")]
    own = re.compile(r"hotline-[ab]|\bH[AB]-\d\d\b")

    assert len(sources) > 100
    assert [path.name for path in sources if own.search(path.read_text("utf-8"))] == []
