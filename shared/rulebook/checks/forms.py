"""Whether fields and papers ask for what there is."""

from collections.abc import Iterator

from shared.rulebook.checks.references import Fault, unknown
from shared.rulebook.schema import Rules
from shared.rulebook.schema.intake import FACTS

_SOURCES = frozenset({"field", *FACTS})
"""What a line of a paper may be taken from."""


def faults(rules: Rules) -> Iterator[Fault]:
    """Return what does not fit among forms and documents."""
    for key, record in rules.intake.forms.items():
        for name, field in record.fields.items():
            if (field.format == "choice") != bool(field.choices):
                what = f"'{name}' is of format '{field.format}' with {len(field.choices)} choices."
                loc = ("intake", "forms", key, "fields", name)
                yield Fault(loc, what, "Give choices to fields of format 'choice', and only to them.")
    yield from _lines(rules)


def _lines(rules: Rules) -> Iterator[Fault]:
    for key, paper in rules.intake.documents.items():
        forms = [
            form for form in rules.intake.forms.values() if not paper.kinds or {*form.kinds} & {*paper.kinds}
        ]
        fields = {name for form in forms for name in form.fields}
        for name, line in paper.lines.items():
            loc = ("intake", "documents", key, "lines", name, "takes")
            source, _, taken = line.takes.partition(".")
            if line.takes == "blank":
                continue
            if source not in _SOURCES or not taken:
                what = f"'{line.takes}' is nothing that a line can take."
                mend = "Write field.<name>, case.<fact>, customer.<fact>, callback.<fact>, or blank."
                yield Fault(loc, what, mend)
            elif source == "field":
                yield from unknown(loc, [taken], fields, "field", "intake.forms")
            else:
                yield from unknown(loc, [taken], FACTS[source], "fact", f"what a {source} tells")
