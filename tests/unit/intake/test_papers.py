"""Claims about the papers that a rulebook lays out. Rules LN-23, LN-28."""

from dataclasses import replace
from datetime import date

import pytest

from services.intake.api.papers import page
from services.intake.domain.customers import opened
from services.intake.domain.papers import (
    Sources,
    cells_of,
    columns_of,
    document_called,
    of_customer,
    of_matter,
    paper_of,
)
from services.intake.domain.progress import Progress
from shared.errors import NotFoundError
from shared.rulebook.schema import Rules
from shared.rulebook.schema.intake import FACTS, Document
from tests.builders_rules import an_edition
from tests.unit.intake.builders import A_BOX, RECEIVED, a_complaint, the_rules
from tests.unit.intake.test_what_a_matter_is import ENTRY
from tests.unit.rulebook.editions import changed, refused

ZONE = an_edition().calendar.zone
TITLE = {"zh": "名<b>", "en": "name"}
ORDER = Document.model_validate(
    {
        **ENTRY,
        "of": "matter",
        "copies": 2,
        "signatures": ["owner"],
        "lines": {
            "who": {"title": TITLE, "takes": "field.name"},
            "since": {"title": TITLE, "takes": "customer.first_business_on"},
            "served": {"title": TITLE, "takes": "case.resolved_at"},
            "heard": {"title": TITLE, "takes": "callback.satisfaction"},
            "solved": {"title": TITLE, "takes": "callback.solved"},
            "fee": {"title": TITLE, "takes": "blank"},
        },
    }
)


def sources() -> Sources:
    # Resolved on 4 July 02:00 UTC: 10:00 in Chongqing.
    callback = {"result": "completed", "satisfaction": 5, "solved": True}
    told = Progress(resolved_at="2026-07-04T02:00:00Z", callback=callback)
    customer = replace(
        opened("c" * 32, "chongqing-branch", A_BOX, RECEIVED), first_business_on=date(2025, 1, 2)
    )
    matter = of_matter(a_complaint(told), {"name": "张**<script>"}, the_rules(), ZONE)
    return {**matter, **of_customer(customer, {}, ZONE)}


def rules_with(**documents: Document) -> Rules:
    rules = the_rules()
    return rules.model_copy(update={"intake": rules.intake.model_copy(update={"documents": documents})})


def test_each_line_takes_what_the_rulebook_says_and_what_is_written_by_hand_stays_empty() -> None:
    assert cells_of(ORDER, sources()) == {
        "who": "张**<script>",
        "since": "2025-01-02",
        "served": "2026-07-04 10:00",
        "heard": "5",
        "solved": "是",
        "fee": "",
    }


def test_every_fact_that_a_rulebook_may_name_is_there() -> None:
    """INVARIANT: a line that the loader accepts has something to take.

    What breaks it: a fact in the list of the schema that intake does not know.
    """
    given = sources()

    assert {source: FACTS[source] - set(given[source]) for source in FACTS} == dict.fromkeys(
        FACTS, frozenset()
    )


@pytest.mark.parametrize(
    ("takes", "what"),
    [
        ("case.colour", "the fact 'colour'"),
        ("weather.today", "is nothing that a line can take"),
        ("field.colour", "the field 'colour'"),
    ],
)
def test_a_line_that_takes_what_there_is_not_is_refused(takes: str, what: str) -> None:
    paper = f"""documents:
  card:
    from: 2005-05-28
    source: JK-01
    title: {{zh: 卡, en: card}}
    of: matter
    lines:
      one: {{title: {{zh: 行, en: line}}, takes: {takes}}}
forms:
"""

    (problem,) = refused(changed("intake.yaml", "forms:\n", paper))

    assert what in problem.what


def test_a_ledger_has_the_rulebook_s_columns() -> None:
    assert [(one.key, one.zh) for one in columns_of(ORDER)][:2] == [("who", "名<b>"), ("since", "名<b>")]


def test_a_document_that_there_is_not_is_named_with_those_there_are() -> None:
    with pytest.raises(NotFoundError, match="it has: order"):
        document_called("orders", "matter", rules_with(order=ORDER))
    with pytest.raises(NotFoundError, match="no customer document"):
        document_called("order", "customer", rules_with(order=ORDER))


def test_each_copy_is_a_sheet_that_its_parties_sign_and_nothing_on_it_runs() -> None:
    rules = rules_with(order=ORDER)
    paper = paper_of(ORDER, sources(), rules)

    shown = page(paper, None)

    assert (shown.count("<section>"), shown.count("____________")) == (2, 2)
    assert rules.procedures.parties["owner"].title.zh in shown
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert page(paper, 3).count("<section>") == 3
