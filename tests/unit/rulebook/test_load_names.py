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
        "procedures.yaml",
        "    applies: {kind: design-change}\n",
        "    applies: {kind: legal-letter}\n",
        "No procedure applies to kind 'design-change'",
        id="a gap",
    ),
    pytest.param(
        "procedures.yaml",
        "    applies: {kind: complaint, validity: invalid}\n    rank: 10\n",
        "    applies: {kind: complaint, validity: invalid}\n",
        "both apply to kind 'complaint', class 'general', validity 'invalid', with the same rank",
        id="an overlap",
    ),
    pytest.param(
        "procedures.yaml",
        "        requires: check\n        resolves: true\n",
        "        requires: check\n",
        "No step of 'legal-letter' resolves the case",
        id="no end",
    ),
    pytest.param(
        "procedures.yaml",
        "      check:\n        title: {zh: 检查函件, en: check the letter}\n",
        "      check:\n        title: {zh: 检查函件, en: check the letter}\n        requires: send\n",
        "require each other in a circle",
        id="a circle",
    ),
    pytest.param(
        "intake.yaml",
        "    counts_as_complaint: false\n    moments: handover\n",
        "    counts_as_complaint: false\n",
        "runs until 'handover', which the registration of such a matter does not state",
        id="a limit until a moment that nobody states",
    ),
    pytest.param(
        "callback.yaml",
        "reopen_at: 2",
        "reopen_at: 4",
        "An answer of 4 is satisfied",
        id="satisfied and re-opened",
    ),
    pytest.param(
        "obligations.yaml",
        "appearance of the office}, most: 1}",
        "appearance of the office}, most: 2}",
        "The item weighs 1, and an inspection gives at most 2",
        id="an inspection that gives more than the item weighs",
    ),
    pytest.param(
        "scoring.yaml",
        "weights: [1, 1, 1]",
        "weights: [1, 1]",
        "A quarter weighs 3 months, and 2 weights are given",
        id="a weight missing",
    ),
    pytest.param(
        "rights.yaml",
        "    at: subsidiary\n    rights: [complaints.read, cases.read, cases.approve, ",
        "    at: subsidiary\n    rights: [complaints.read, cases.read, ",
        "approves the way 'payment-in-lieu', and lacks the right 'cases.approve'",
        id="an approver without the right",
    ),
    pytest.param("callback.yaml", "ratio: 1\n", "ratio: 1.5\n", "The ratio is 1.5", id="more than everybody"),
    pytest.param(
        "callback.yaml",
        "kind: yes-no\n",
        "kind: choice\n",
        "'solved' is of kind 'choice' with 0 choices",
        id="a choice without choices",
    ),
    pytest.param(
        "obligations.yaml",
        "    inspection: archives\n    right: inspections.record\n",
        "    right: inspections.record\n",
        "'done_by: inspection' and 'inspection' belong together",
        id="an inspection that is not named",
    ),
    pytest.param(
        "scoring.yaml",
        "      sales-department: hr-officer\n",
        "      sales: hr-officer\n",
        "'by' names sales, which is none of the parts: branch-assessment, sales-department",
        id="a part that does not exist",
    ),
    pytest.param(
        "scoring.yaml",
        "    item: records\n    points: -1\n",
        "    points: -1\n",
        "The offence counts on 'branch-scorecard' and names no item of it",
        id="an offence without an item",
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
        "intake.yaml",
        "    kinds: legal-letter\n",
        "    kinds: [legal-letter, design-change]\n",
        "The kind 'design-change' has 2 forms (design-change, legal-letter)",
        id="two forms",
    ),
    pytest.param(
        "intake.yaml",
        "at_least: 2\n",
        "at_least: 4\n",
        "It asks for 4 behaviours and names 3",
        id="too much asked",
    ),
    pytest.param(
        "intake.yaml",
        "    classes: [explanation, general, ",
        "    classes: [explanation, ",
        "The class 'general' belongs to no kind",
        id="a class of nothing",
    ),
    pytest.param(
        "limits.yaml",
        "tables:\n",
        "tables:\n  idle:\n    from: 2005-05-28\n    source: JK-11\n    title: {zh: 空, en: idle}\n    rows: {}\n",
        "No step uses the table 'idle'",
        id="a table that nothing uses",
    ),
    pytest.param(
        "procedures.yaml",
        "      tell-owner:\n",
        "      settlement:\n        title: {zh: 一致, en: agreed}\n      tell-owner:\n",
        "The step is called 'settlement', like a moment of every case",
        id="a step like a moment",
    ),
    pytest.param(
        "procedures.yaml",
        "        needs: {evidence: letter, person: true}\n",
        "        needs: {evidence: letter, person: true}\n        agreed: true\n",
        "A date may be agreed in place of a limit, and the step has none",
        id="a date agreed in place of nothing",
    ),
    pytest.param(
        "procedures.yaml",
        "  recorded:\n",
        "  facts:\n",
        "'facts' also means a step",
        id="a watch that is called like a step",
    ),
    pytest.param(
        "procedures.yaml",
        "      tell-owner:\n",
        "      steps:\n        title: {zh: 步骤, en: steps}\n      tell-owner:\n",
        "A step is called 'steps', which means every step",
        id="a step that means every step",
    ),
    pytest.param(
        "rights.yaml",
        "    inside: group-centre\n",
        "",
        "2 kinds of unit lie inside no other (group-centre, subsidiary)",
        id="two roots",
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
