"""What a publication says: the plain form of a month's, quarter's or year's result, part by part.

It is answered as it was published. What came later than the first publications (``LATER``) is left out where it holds
its default, and so it is left out of an answer.
"""

from typing import Literal

from pydantic import BaseModel, Field

from services.scoring.api.views import GapView, PostingView
from shared.http.answers import ExactText, InstantText

IntervalText = tuple[ExactText, ExactText]
"""Both ends of a 95 % interval."""


class VersionView(BaseModel):
    """What names one version of a publication."""

    period: str
    version: int
    as_of: InstantText
    by: str
    result_hash: str
    facts_hash: str = Field(
        description="Hash of exactly the facts that counted; empty for a quarter or year."
    )
    edition_hash: str


class PeriodView(VersionView):
    """A published period in its newest version, with all its versions."""

    watermark: dict[str, int] = Field(description="Source → last sequence that counted.")
    edition: str
    content_hash: str = Field(description="Hash of what it says, whenever it was said.")
    versions: list[VersionView]


# --- the parts of a result


class UnitView(BaseModel):
    """What a unit was in a month."""

    kind: str
    whole_month: bool = Field(description="It existed on every day of the month.")
    peers: str = Field(default="", description="Its peer group, where it has one.")
    nil: bool = Field(default=False, description="It had nothing to report, and said so.")


class ScoreView(BaseModel):
    """A value, the clauses that give it, and what it was made of."""

    key: str = Field(description="Section, item, posting, inspection or period.")
    value: ExactText
    of: ExactText | None = Field(description="Full marks, where it has any.")
    clauses: list[str]
    note: str = Field(description="What a reader must know, for example `not-inspected`.")
    evidence: list[str]
    parts: list["ScoreView"]


class ScorecardView(BaseModel):
    """A unit's card of one sheet and month."""

    sheet: str
    unit: str
    month: str
    total: ExactText
    of: ExactText
    whole_month: bool
    sections: list[ScoreView]
    rated: bool = Field(default=True, description="Something was counted.")


class PenaltyRowView(BaseModel):
    """What one person of a department lost in a month."""

    department: str
    person: str
    points: ExactText
    postings: list[str]


class PenaltySheetView(BaseModel):
    """A unit's penalties of a month, by department and person: advice to HR."""

    sheet: str
    unit: str
    month: str
    total: ExactText
    rows: list[PenaltyRowView]


class IndicatorView(BaseModel):
    """An indicator of one unit, with what it was counted from."""

    indicator: str
    unit: str
    clauses: list[str]
    value: ExactText | None = Field(description="Null where nothing was counted or reported.")
    hits: int | ExactText = Field(description="Numerator; of a mean the sum.")
    of: int | ExactText = Field(description="Denominator; of a mean how many.")
    hits_with_excluded: int | ExactText = Field(description="The same with problem users.")
    of_with_excluded: int | ExactText
    interval: IntervalText | None = Field(description="95 %.")
    target: ExactText | None
    rated: bool = Field(description="Enough was counted to judge it and to rank by it.")
    breach: bool = Field(description="It is rated and misses its target.")
    per: int = Field(default=1, description="Of how many the value speaks: per thousand customers.")


class RankedUnit(BaseModel):
    """One unit in a ranking."""

    rank: int
    unit: str
    value: ExactText
    shown: str = Field(description="The value to six places.")
    shared: bool = Field(description="Others hold the same place.")
    months: list[ExactText] = Field(description="What it is the mean of.")


class LeftOut(BaseModel):
    """A unit that is not ranked, and why."""

    unit: str
    reason: str


class RankingView(BaseModel):
    """One ranking of a period."""

    ranking: str
    period: str
    clauses: list[str]
    rows: list[RankedUnit]
    left_out: list[LeftOut]


class AwardView(BaseModel):
    """A title and its money, a penalty, or a place on a list (JK-23)."""

    award: str
    unit: str
    amount: ExactText
    currency: str
    paid_by_zh: str
    paid_by_en: str
    clauses: list[str]
    what: str = Field(default="award", description="award, penalty, red-list or black-list.")


class RecommendationView(BaseModel):
    """What the rulebook asks for about a unit, and the months that gave cause (JK-24)."""

    recommendation: str
    unit: str
    clauses: list[str]
    text_zh: str
    text_en: str
    months: dict[str, ExactText]


class PersonsResultView(BaseModel):
    """A person's weighted result of a month; no value while a part is missing (JK-25)."""

    scheme: str
    person: str
    unit: str
    value: ExactText | None
    parts: dict[str, ExactText]
    missing: list[str]
    clauses: list[str]
    evidence: list[str]


class _Result(BaseModel):
    period: str
    group: str
    edition: str
    edition_hash: str
    as_of: InstantText
    rankings: list[RankingView]
    awards: list[AwardView]


class MonthResultView(_Result):
    """Everything that a month comes to, as it was published."""

    is_over: bool = Field(description="The month had ended by `as_of`.")
    facts: int = Field(description="How many facts it rests on.")
    facts_hash: str
    units: dict[str, UnitView]
    scorecards: list[ScorecardView]
    penalties: list[PenaltySheetView]
    postings: list[PostingView]
    uncharged: list[PostingView] = Field(
        description="Postings for which no unit answers: an alarm, not a score."
    )
    indicators: list[IndicatorView]
    recommendations: list[RecommendationView]
    personal_results: list[PersonsResultView]
    gaps: list[GapView] = Field(default=[], description="Times in which nobody was on duty.")


class SpanResultView(_Result):
    """What a quarter or year comes to, as it was published."""

    months: dict[str, str] = Field(description="Month → hash of the result that counted.")


# --- answers


class _OfPeriod(BaseModel):
    period: str
    version: int


class RankingsView(_OfPeriod):
    """The rankings of a period, with awards, and what the rulebook asks for about units that the caller sees."""

    rankings: list[RankingView]
    awards: list[AwardView]
    recommendations: list[RecommendationView]


class IndicatorsView(_OfPeriod):
    """The indicators of a month."""

    indicators: list[IndicatorView]


class UnitScorecards(_OfPeriod):
    """A unit's scorecards and penalty sheets of a month, each point with clause and evidence."""

    unit: str
    scorecards: list[ScorecardView]
    penalties: list[PenaltySheetView]
    postings: list[PostingView]
    indicators: list[IndicatorView]


class FairUnit(BaseModel):
    """One unit of a ranking seen fairly. Numbers are cut to six places."""

    unit: str
    value: ExactText | None
    n: ExactText | None = Field(description="How much was counted; null for a sheet.")
    low: ExactText | None = Field(description="Of the 95 % interval of its value.")
    high: ExactText | None
    shrunk: ExactText | None = Field(
        description="Its value drawn towards the common one, the more the less was counted."
    )
    rank: int | None = Field(description="Its published place; null where it is not ranked.")
    rank_low: int | None = Field(description="Best of the places that it holds in 95 of 100 drawn rankings.")
    rank_high: int | None = Field(description="Worst of them.")
    status: str = Field(
        description="usual, unusual (outside the 95 % limits of the funnel), exceptional (outside 99.8 %), or why it "
        "is not ranked."
    )


class FunnelView(BaseModel):
    """Where a unit of one size may lie by chance: 95 % and 99.8 %."""

    size: ExactText
    low: ExactText
    high: ExactText
    far_low: ExactText
    far_high: ExactText


class FairRanking(_OfPeriod):
    """A ranking with what chance may have done to it."""

    ranking: str
    by: str = Field(description="Sheet or indicator.")
    better: Literal["high", "low"]
    per: int = Field(description="Of how many the values speak.")
    seed: str = Field(description="Hash of the published result.")
    draws: int
    common: ExactText | None = Field(description="Value of all units together.")
    rows: list[FairUnit]
    funnel: list[FunnelView] = Field(description="Limits around the common value by size.")
