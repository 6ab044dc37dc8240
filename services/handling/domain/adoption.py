"""What follows from what a matter is: its procedure, its grade and tier, and whether two persons find it."""

from datetime import datetime

from services.handling.domain.case import Adopted, Case
from services.handling.domain.procedure import choose, described
from shared.rulebook.schema.procedures import Determination
from shared.rulebook.steps import CaseRules


def adopt(case: Case, law: CaseRules, at: datetime) -> Case:
    """Follow the procedure for what is known now, tier and grade among it; its limits still count from receipt."""
    case = described(case, law)
    adopted = Adopted(since=at, procedure=choose(case, law), grade=case.grade)
    return case.with_(procedures=(*case.procedures, adopted))


def determinations(case: Case, law: CaseRules) -> dict[str, Determination]:
    """Return what of a finding takes two persons, by key: its validity, or the grade of what has grades (XA-18)."""
    kind = law.rules.intake.kinds.get(case.kind)
    return {
        key: rule
        for key, rule in law.rules.procedures.determinations.items()
        if rule.of == "validity" or (kind and kind.graded)
    }
