"""Numbers of a rulebook that nothing could be reckoned with are refused when it is read, not when a month closes."""

import pytest

from tests.unit.rulebook.editions import changed, refused

WEIGHTS = "weights: [1, 1, 1]"
MEAN = "inspection: weekly-branch, observed: staff, decimals: 1"
PARTS = "parts: {branch-assessment: 50, sales-department: 50}"


@pytest.mark.parametrize(
    ("old", "new", "what", "mend"),
    [
        pytest.param(
            WEIGHTS,
            "weights: [0, 0, 0]",
            "'scoring.rankings.quarterly': All weights are 0.",
            "Give at least one month a weight.",
            id="no weight at all",
        ),
        pytest.param(
            WEIGHTS,
            "weights: [2, 1, -2]",
            "'scoring.rankings.quarterly.weights.2' is '-2'",
            "Give a value that fits.",
            id="a weight below nothing",
        ),
        pytest.param(
            MEAN,
            MEAN.replace("1", "1000000000"),
            "decimals' is '1000000000'",
            "Give a value that fits.",
            id="more decimals than anybody shows",
        ),
        pytest.param(
            MEAN,
            MEAN.replace("1", "-1"),
            "decimals' is '-1'",
            "Give a value that fits.",
            id="fewer than none",
        ),
        pytest.param(
            PARTS,
            "parts: {branch-assessment: 150, sales-department: -50}",
            "parts.sales-department' is '-50'",
            "Give a value that fits.",
            id="a part below nothing",
        ),
        pytest.param(
            "    amount: 1000\n", "    amount: -1\n", "amount' is '-1'", "fits", id="a negative award"
        ),
        pytest.param("    rank: 1\n", "    rank: 0\n", "rank' is '0'", "fits", id="a rank before the first"),
        pytest.param(
            "    full_marks: 100\n",
            "    full_marks: 1234567890123\n",
            "full_marks' is '1234567890123'",
            "fits",
            id="more digits than a sum keeps",
        ),
    ],
)
def test_a_number_that_does_not_work_is_refused_with_its_key(
    old: str, new: str, what: str, mend: str
) -> None:
    problems = refused(changed("scoring.yaml", old, new))

    assert [one for one in problems if what in one.what and mend in one.mend], problems


def test_one_month_of_a_quarter_may_weigh_nothing() -> None:
    problems = refused(changed("scoring.yaml", WEIGHTS, "weights: [0, 1, 1]\n    surprise: 1"))

    assert [one.what for one in problems] == ["'scoring.rankings.quarterly.surprise' is not known here."]
