"""How facts gather under a subject, and what they post as they stand now.

Points themselves are worked out in ``shared.rulebook``, by the same fold that ``backtest`` runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.scoring.domain.facts import History, fact_of, in_order, months_touched
from services.scoring.domain.month import MonthContext, Tariffs, window
from services.scoring.domain.organisation import Organisation
from services.scoring.domain.postings import Posting, posting_of, postings
from services.scoring.domain.triggers import months_overdue, next_overdue
from shared.events import Happened
from shared.events.facts import Fact
from shared.events.scoring import ScorePosted
from shared.timekeeping.calendar import Month
from shared.values.canonical import plain

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
    """The facts about one matter in their one order, and what they post. The set of facts only grows."""

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
    """Add facts to a subject and work out anew what they post. Without facts: only work out anew.

    Indifferent to order and repetition: the same facts give the same subject. What was told on the way
    there comes to the same points, because what no longer stands as it was told is taken back first.

    Returns:
        The subject, a ``ScorePosted`` for each posting that came or went, and the months it touches. A
        posting that no known unit answers for is kept and not told: its unit may be on its way.
    """
    known = dict(subject.facts) if subject else {}
    known.update({record["id"]: compact(record) for record in records})
    before = subject.postings if subject else {}
    facts = in_order(fact_of(fact) for fact in known.values())
    # What has arrived has happened, even where the clock of the machine that told it is ahead of this one's.
    as_of = max(now, facts[-1].time + timedelta.resolution) if facts else now
    history = History.of(facts)
    touched = months_touched(facts, tariffs.edition.calendar)
    months = sorted({*touched, *months_overdue(history, as_of, tariffs)})
    found: dict[str, Posting] = {}
    for month in months:
        for posting in postings(history, MonthContext.of(tariffs, organisation, month, as_of)):
            found[posting.id] = posting
    after = {key: plain(posting) for key, posting in found.items()}
    changed = [key for key in {**before, **after} if _told(before.get(key)) != _told(after.get(key))]
    gone = [before[key] for key in changed if _told(before.get(key))]
    happened = [Happened(taken_back(posting_of(document)), now) for document in gone]
    happened += [Happened(posted(found[key]), found[key].at) for key in changed if _told(after.get(key))]
    ordered = {fact.id: known[fact.id] for fact in facts}
    return Subject(ordered, after), happened, months


def judged_again(
    subject: Subject, months: Sequence[Month], tariffs: Tariffs, now: datetime
) -> datetime | None:
    """Return when the postings may change without any further fact.

    Some things are judged when a month ends, and what stays undone may cost points again and again.
    """
    moments = [end for month in months if (end := window(tariffs.edition, month)[1]) > now]
    if tariffs.counts_again and (again := next_overdue(History.of(subject.history()), now, tariffs)):
        moments.append(again)
    return min(moments, default=None)


_TELLING = ("sheet", "item", "rule", "points", "unit", "month", "department", "person", "reverses")


def _told(posting: Compact | None) -> tuple[str, ...]:
    """Return what matters of a posting to those who were told of it; nothing where nobody was."""
    return tuple(str(posting[name]) for name in _TELLING) if posting and posting["unit"] else ()


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
