"""How facts gather under a subject, and what they post as they stand now.

Points themselves are worked out in ``shared.rulebook``, by the same fold that ``backtest`` runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.events import Happened
from shared.events.scoring import ScorePosted
from shared.rulebook.basis import Basis, Tariffs
from shared.rulebook.calendar import Month
from shared.rulebook.canonical import plain
from shared.rulebook.facts import Fact, History, fact_of, in_order, months_touched
from shared.rulebook.organisation import Organisation
from shared.rulebook.postings import Posting, posting_of, postings

Compact = dict[str, Any]
"""An envelope as scoring keeps it: what a fact needs, without sealed data."""


def compact(record: Mapping[str, Any]) -> Compact:
    """Return what is kept of an envelope."""
    kept = {
        name: record[name]
        for name in ("id", "source", "sequence", "type", "subject", "unit", "time", "edition", "ordinal")
        if name in record
    }
    kept["data"] = {key: value for key, value in record["data"].items() if key != "sealed"}
    return kept


@dataclass(frozen=True, slots=True)
class Subject:
    """The facts about one matter, and what they post. The set of facts only grows."""

    facts: Mapping[str, Compact]
    postings: Mapping[str, Compact]

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> "Subject":
        """Read what :meth:`dump` wrote."""
        return cls(
            {fact["id"]: fact for fact in state["facts"]}, {one["id"]: one for one in state["postings"]}
        )

    def dump(self) -> dict[str, Any]:
        """Return the form that is stored."""
        return {"facts": list(self.facts.values()), "postings": list(self.postings.values())}

    def history(self) -> list[Fact]:
        """Return the facts in their one order."""
        return in_order(fact_of(fact) for fact in self.facts.values())


def gather(
    subject: Subject | None,
    records: Sequence[Mapping[str, Any]],
    tariffs: Tariffs,
    organisation: Organisation,
    now: datetime,
) -> tuple[Subject, list[Happened], list[Month]]:
    """Add facts to a subject and work out anew what they post.

    Indifferent to order and repetition: the same facts give the same subject.

    Returns:
        The subject, a ``ScorePosted`` for each posting that came or went, and the months it touches.
    """
    known = dict(subject.facts) if subject else {}
    known.update({record["id"]: compact(record) for record in records})
    before = subject.postings if subject else {}
    facts = in_order(fact_of(fact) for fact in known.values())
    months = months_touched(facts, tariffs.edition.calendar)
    history = History.of(facts)
    found: dict[str, Posting] = {}
    for month in months:
        for posting in postings(history, Basis.of(tariffs, organisation, month, now)):
            found[posting.id] = posting
    happened = [Happened(posted(posting), posting.at) for key, posting in found.items() if key not in before]
    happened += [
        Happened(taken_back(posting_of(document)), now)
        for key, document in before.items()
        if key not in found
    ]
    return Subject(known, {key: plain(posting) for key, posting in found.items()}), happened, months


def posted(posting: Posting) -> ScorePosted:
    """Return the event that points were given or taken."""
    return ScorePosted(
        posting=posting.id,
        sheet=posting.sheet,
        item=posting.item,
        offence=posting.offence,
        rule=posting.rule,
        points=posting.points,
        unit=posting.unit,
        month=posting.month,
        clause=posting.clause,
        department=posting.department,
        person=posting.person,
        evidence=posting.evidence,
        reverses=posting.reverses,
    )


def taken_back(posting: Posting) -> ScorePosted:
    """Return the event that a posting told earlier does not stand: what it rested on was corrected."""
    event = posted(posting)
    return event.model_copy(
        update={"posting": f"{posting.id}/void", "points": -posting.points, "reverses": posting.id}
    )
