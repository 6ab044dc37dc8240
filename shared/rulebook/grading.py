"""What a matter is besides its kind and class: its tier of service and its grade.

Both follow from what is known of the matter under the rules of its day, so that whoever asks comes to the same.
"""

from collections.abc import Collection, Mapping

from shared.rulebook.schema import Rules


def tier_of(facts: Mapping[str, str], flags: Collection[str], rules: Rules) -> str:
    """Return the first tier of service that the matter belongs to (XA-13); empty where none is for it.

    Args:
        facts: What conditions ask about, by the names of ``Match``: ``kind``, ``class``, ``service``, ``channel`` …
        flags: Flags that are set.
        rules: The rules of the day of receipt.
    """
    set_ = tuple(flags)
    return next((key for key, tier in rules.intake.tiers.items() if tier.applies.holds(facts, set_)), "")


def grade_of(stated: str, facts: Mapping[str, str], flags: Collection[str], rules: Rules) -> str:
    """Return the grade that holds (XA-01): what is stated, else the presumed one, and never milder than a floor.

    Empty for a kind of matter that has no grades.

    Args:
        stated: The grade that was registered or found; empty where nobody stated one.
        facts: As for ``tier_of``; the tier may be among them.
        flags: Flags that are set.
        rules: The rules of the day of receipt.
    """
    kind = rules.intake.kinds.get(facts.get("kind", ""))
    if kind is None or not kind.graded:
        return ""
    grades = rules.intake.grades
    presumed = next((key for key, grade in grades.items() if grade.presumed), "")
    held = stated if stated in grades else presumed
    floor = floor_of(facts, flags, rules)
    if held and floor:
        return min(floor, held, key=lambda key: grades[key].rank)
    return held or floor


def floor_of(facts: Mapping[str, str], flags: Collection[str], rules: Rules) -> str:
    """Return the grade that the matter has at least, whatever is found; empty where no floor is for it."""
    set_ = tuple(flags)
    floors = [
        (grade.rank, key)
        for key, grade in rules.intake.grades.items()
        if any(match.holds(facts, set_) for match in grade.floor_for)
    ]
    return min(floors, default=(0, ""))[1]
