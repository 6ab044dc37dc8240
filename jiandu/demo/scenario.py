"""What is entered: calls, each with the time at which its deed happened, bound into stories and a scenario."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Service = Literal["intake", "handling", "callback", "scoring"]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call.

    Attributes:
        at: When the deed happened that it enters.
        about: Name of the complaint whose id stands for ``{case}`` in the path. Its registration gives it.
            ``{customer}`` stands for the id of who complained, and ``{name}`` as a value in the body for the id
            of another complaint of the story.
        rule: Rule of the posting whose id stands for ``{posting}`` in the path.
        key: Idempotency key. The same in every play of the same scenario, so repeating it is safe.
        early: Codes of refusals that only say that something is still on its way through the broker.
    """

    at: datetime
    service: Service
    site: str
    account: str
    path: str
    body: Mapping[str, Any]
    key: str
    about: str = ""
    rule: str = ""
    early: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Story:
    """Calls that go in order: one complaint, or several that meet."""

    name: str
    site: str
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Closing:
    """A period and the moment at which it is published; None where its publisher may not say when."""

    period: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Declaration:
    """The account that declares what a unit did complete, at the intake of the unit's site."""

    unit: str
    site: str
    account: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that is entered.

    Attributes:
        declared: Up to when what is entered is complete.
        declarations: Who declares that, for each unit that registers.
        closings: In the order in which they go out.
        reader: Account that publishes, and reads everything.
    """

    stories: tuple[Story, ...]
    declared: datetime
    declarations: tuple[Declaration, ...]
    closings: tuple[Closing, ...]
    reader: str = "director"

    @property
    def units(self) -> tuple[str, ...]:
        """Return the units that declare."""
        return tuple(one.unit for one in self.declarations)

    @property
    def importers(self) -> dict[str, str]:
        """Return the account that enters at each site."""
        return {one.site: one.account for one in self.declarations}

    @property
    def complaints(self) -> int:
        """How many matters are registered."""
        return sum(call.path == "/v1/complaints" for story in self.stories for call in story.calls)

    @property
    def calls(self) -> int:
        """How many calls there are."""
        return sum(len(story.calls) for story in self.stories)
