"""The loader refuses names that nothing bears, and entries that do not fit together."""

import pytest

from shared.errors import RulebookProblem
from tests.unit.rulebook.editions import changed, jinke, line_of, refused

NAMING = [
    pytest.param(
        "rulebook.yaml",
        "drafts: centre-director",
        "drafts: center-director",
        "role 'center-director'",
        id="role",
    ),
    pytest.param(
        "rights.yaml", "rights: [cases.read]\n", "rights: [cases.raed]\n", "right 'cases.raed'", id="right"
    ),
    pytest.param(
        "rights.yaml",
        "inside: group-centre",
        "inside: group-center",
        "kind of unit 'group-center'",
        id="unit",
    ),
    pytest.param(
        "intake.yaml",
        "[explanation, general, ",
        "[explanations, general, ",
        "names the class 'explanations'",
        id="class",
    ),
    pytest.param(
        "intake.yaml", "kinds: legal-letter\n", "kinds: legal-leter\n", "kind 'legal-leter'", id="kind"
    ),
    pytest.param(
        "procedures.yaml",
        "after: agreement\n",
        "after: agreements\n",
        "step or moment 'agreements'",
        id="moment",
    ),
    pytest.param(
        "procedures.yaml", "unless: agreement\n", "unless: agreemnt\n", "step 'agreemnt'", id="step"
    ),
    pytest.param(
        "procedures.yaml",
        "unless: result\n",
        "unless: results\n",
        "step 'results'",
        id="step of another procedure",
    ),
    pytest.param(
        "procedures.yaml",
        "evidence: transfer-sheet, signatures: [property-company]",
        "evidence: transfer-note, signatures: [property-company]",
        "paper 'transfer-note'",
        id="paper",
    ),
    pytest.param(
        "procedures.yaml",
        "evidence: transfer-sheet, signatures: [property-company]",
        "evidence: transfer-sheet, signatures: [property]",
        "party 'property'",
        id="party",
    ),
    pytest.param(
        "procedures.yaml", "flag: reputation-risk", "flag: reputation", "flag 'reputation'", id="flag"
    ),
    pytest.param(
        "procedures.yaml",
        "to: [company-leader, centre-director]",
        "to: [leader, centre-director]",
        "role 'leader'",
        id="addressee of a report",
    ),
    pytest.param(
        "callback.yaml",
        "questionnaire: owners",
        "questionnaire: owner",
        "questionnaire 'owner'",
        id="questionnaire",
    ),
    pytest.param(
        "obligations.yaml",
        "inspection: archives",
        "inspection: archive",
        "inspection 'archive'",
        id="inspection",
    ),
    pytest.param(
        "scoring.yaml",
        "    item: records\n    points: -1",
        "    item: record\n    points: -1",
        "item 'record'",
        id="item of a sheet",
    ),
    pytest.param(
        "scoring.yaml",
        "replaces: missed-step",
        "replaces: missed-steps",
        "offence 'missed-steps'",
        id="offence",
    ),
    pytest.param(
        "scoring.yaml",
        "trigger: {on: missed-deadline, clocks: recorded}",
        "trigger: {on: missed-deadline, clocks: record}",
        "step or watch 'record'",
        id="clock",
    ),
    pytest.param(
        "scoring.yaml",
        "trigger: {on: obligation, obligation: proposal, fault: not-done}",
        "trigger: {on: obligation, obligation: proposals, fault: not-done}",
        "obligation 'proposals'",
        id="obligation",
    ),
    pytest.param(
        "scoring.yaml",
        "trigger: {on: missing-element, report: major-complaint}",
        "trigger: {on: missing-element, report: major}",
        "report 'major'",
        id="report",
    ),
    pytest.param("scoring.yaml", "ranking: quarterly", "ranking: quarter", "ranking 'quarter'", id="ranking"),
    pytest.param(
        "scoring.yaml",
        "    sheet: branch-scorecard\n    below: 80",
        "    sheet: scorecard\n    below: 80",
        "sheet 'scorecard'",
        id="sheet",
    ),
    pytest.param(
        "scoring.yaml",
        "observed: office,",
        "observed: offices,",
        "item 'offices'",
        id="item of an inspection",
    ),
    pytest.param(
        "rights.yaml",
        "rights: [assessments.record, scores.read]\n",
        "rights: [everything]\n",
        "right 'everything'",
        id="a right that the code does not know",
    ),
    pytest.param(
        "scoring.yaml",
        "      sales-department: hr-officer\n",
        "      sales-department: hr-oficer\n",
        "role 'hr-oficer'",
        id="who gives a part",
    ),
    pytest.param(
        "limits.yaml",
        "limit: {months: 1}\n        counts_from: works-start",
        "limit: {months: 1}\n        counts_from: works-begin",
        "counts from 'works-begin', which is no step of",
        id="start of a row",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "what"), NAMING)
def test_a_name_that_nothing_bears_is_refused_where_it_stands(
    file: str, old: str, new: str, what: str
) -> None:
    begin = jinke()[file].index(old)
    lines = range(
        line_of(file, old), line_of(file, old) + jinke()[file][begin : begin + len(old)].count("\n") + 1
    )

    problems = [one for one in refused(changed(file, old, new)) if what in one.what]

    assert problems
    assert {(one.file, one.line in lines) for one in problems} == {(file, True)}


FITTING = [
    pytest.param(
        "scoring.yaml",
        "      sales-department: hr-officer\n",
        "      sales: hr-officer\n",
        "'by' names sales, which is none of the parts: branch-assessment, sales-department",
        id="a part that does not exist",
    ),
    pytest.param(
        "scoring.yaml",
        "    item: archives\n    points: -1\n    trigger: {on: failed-aspect, inspection: archives}\n",
        "    item: archives\n    points: -1\n",
        "An offence needs either 'trigger' or 'with_all'",
        id="an offence without a cause",
    ),
    pytest.param(
        "scoring.yaml",
        "    item: archives\n    points: -1\n",
        "    item: archives\n    points: -1\n    forfeits: true\n",
        "An offence needs either 'points' (not 0) or 'forfeits: true'",
        id="an offence with two effects",
    ),
    pytest.param(
        "scoring.yaml",
        "full_marks: 100\n",
        "full_marks: 99\n",
        "Sections add up to 100, not to full_marks 99",
        id="full marks that nothing adds up to",
    ),
    pytest.param(
        "rulebook.yaml",
        "  JK-34: {zh: 接房前完成的整改, en: Defects mended before handover}",
        "  JK-34: {zh: 接房前完成的整改, en: Defects mended before handover, coverage: partly}",
        "'why' belongs to 'coverage: partly'",
        id="partly without a reason",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "what"), FITTING)
def test_entries_that_do_not_fit_together_are_refused(file: str, old: str, new: str, what: str) -> None:
    problems = refused(changed(file, old, new))

    assert any(what in one.what for one in problems)
    assert all(one.what.endswith(".") and one.mend.endswith((".", "?")) for one in problems)


def test_an_overlay_has_no_step_that_a_procedure_has_too() -> None:
    """INVARIANT: a case that follows a procedure and an overlay owes every step of both.

    What breaks it: taking steps of one name for one step, so that the overlay's limit is never watched.
    """
    problems = refused(changed("procedures.yaml", "      alert:\n", "      report:\n"))

    assert problems == tuple(
        RulebookProblem(
            file="procedures.yaml",
            line=line_of("procedures.yaml", "      alert:\n"),
            what=f"The step 'report' of the overlay 'reputation-risk' is also a step of '{procedure}'.",
            mend="Give the overlay's step a name of its own.",
        )
        for procedure in ("major-engineering", "property-handover")
    )


def test_every_fault_is_told_at_once_and_each_with_its_own_line() -> None:
    """INVARIANT: an author mends a rulebook in one round.

    What breaks it: stopping at the first fault, or at the first file.
    """
    files = changed("procedures.yaml", "    rank: 10\n", "    rank: ten\n")
    files["callback.yaml"] = jinke()["callback.yaml"].replace("attempts: 3", "attempts: yes")
    files["scoring.yaml"] = jinke()["scoring.yaml"].replace(
        "    below: 80\n", "    below: 80\n    above: 90\n"
    )

    problems = refused(files)

    assert [(one.file, one.line) for one in problems] == [
        ("callback.yaml", line_of("callback.yaml", "attempts: 3")),
        ("procedures.yaml", line_of("procedures.yaml", "    rank: 10\n")),
        ("scoring.yaml", line_of("scoring.yaml", "    below: 80\n") + 1),
    ]
