"""Claims about what scoring answers: a model has the fields of what it shows, and loses none."""

from dataclasses import fields
from typing import Any

import pytest
from pydantic import BaseModel

from services.scoring.api import published, views
from services.scoring.domain import fair, fair_view, fold, indicators, postings, rankings, rosters, scorecards
from services.scoring.domain import overturns as overturned
from services.scoring.domain.disputes import Dispute, Said
from shared.values.canonical import LATER

SHOWN: list[tuple[type[BaseModel], Any]] = [
    (views.PostingView, postings.Posting),
    (views.GapView, rosters.Gap),
    (views.OverturnView, overturned.Overturn),
    (published.UnitView, fold.UnitInMonth),
    (published.ScoreView, scorecards.Score),
    (published.ScorecardView, scorecards.Scorecard),
    (published.PenaltyRowView, scorecards.PenaltyRow),
    (published.PenaltySheetView, scorecards.PenaltySheet),
    (published.IndicatorView, indicators.Figure),
    (published.RankedUnit, rankings.Row),
    (published.LeftOut, rankings.Left),
    (published.RankingView, rankings.Ranked),
    (published.AwardView, rankings.Granted),
    (published.RecommendationView, rankings.Recommended),
    (published.PersonsResultView, rankings.PersonsResult),
    (published.MonthResultView, fold.MonthResult),
    (published.SpanResultView, fold.SpanResult),
    (published.FairUnit, fair_view.FairRow),
    (published.FunnelView, fair.FunnelLimits),
]


@pytest.mark.parametrize(("view", "source"), SHOWN)
def test_a_part_of_a_result_is_shown_whole(view: type[BaseModel], source: Any) -> None:  # noqa: ANN401  # a dataclass
    """INVARIANT: an answer holds every field of what it shows; what came later may be left out.

    What breaks it: a field of a result without one in its view, which would be lost in silence.
    """
    told = {one.name: one.metadata == LATER for one in fields(source)}
    shown = {name: not field.is_required() for name, field in view.model_fields.items()}

    assert shown.keys() == told.keys()
    # Of postings every field was told from the first on.
    assert {name for name, is_later in told.items() if is_later} == {
        name for name, may_lack in shown.items() if may_lack and view is not views.PostingView
    }


def test_a_fair_ranking_has_the_fields_of_the_view_and_its_version() -> None:
    assert published.FairRanking.model_fields.keys() == {
        "version",
        *(one.name for one in fields(fair_view.FairView)),
    }


def test_a_dispute_is_shown_without_keys_and_without_who_had_a_hand_in_it() -> None:
    assert Dispute.model_fields.keys() - views.DisputeView.model_fields.keys() == {
        "key",
        "digest",
        "hands",
        "edition",
    }
    assert Said.model_fields.keys() - views.SaidView.model_fields.keys() == {"key", "digest"}
    assert views.DisputeView.model_fields.keys() <= Dispute.model_fields.keys()
