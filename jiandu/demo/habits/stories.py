"""The language of stories: a matter that comes on a day, what is different about its way, and who calls whom.

A story is walked through its procedure by the rulebook alone. It says only what it wants otherwise: steps that are
late or never done, and turns, which are deeds that no procedure asks for.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

Hours = tuple[float, float]
"""At least and at most."""

_DAY = r"^\d\d-\d\d( \d\d:\d\d)?$"
"""``07-21`` or ``07-21 09:30``, local time; where no hour is said it is ten."""

Moment = Annotated[str, Field(pattern=_DAY)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _Turn(_Part):
    """Something that happens beside the procedure.

    Attributes:
        at: When it happens; else ``after_h`` hours after what happened last.
    """

    at: Moment | None = None
    after_h: Hours = (0.1, 0.5)


class Until(_Part):
    """Walk on until a step is what comes next."""

    until: str


class Wait(_Part):
    """Let hours pass."""

    wait_h: Hours


class TakeStep(_Turn):
    """Take a step now, whatever else is due before it."""

    step: str


class Do(_Turn):
    """Command the case.

    Attributes:
        by: Whose deed it is: a role, near the unit, or a person; the nearest who may where nobody is named.
        asked_by: Role of who asked for it.
        fields: What the command takes. ``+33d`` is the day 33 days from then, ``+48h`` the moment 48 hours from
            then, ``{name}`` the complaint of another story.
    """

    do: str
    by: str = ""
    asked_by: str = ""
    fields: Mapping[str, Any] = Field(default={}, alias="with")


class Enter(_Turn):
    """Enter something else with a service, as ``scoring /v1/findings``.

    Attributes:
        account: Who enters it; who enters everything else at the unit where nobody is named.
        dated: Whether it is said when it happened.
        rules: Rules whose posting about the matter stands for ``{posting}``; it is entered for each.
    """

    enter: str = Field(pattern=r"^(intake|scoring) /v1/")
    account: str = ""
    dated: bool = True
    rules: tuple[str, ...] = ()
    fields: Mapping[str, Any] = Field(default={}, alias="with")


_TURNS = ("until", "wait_h", "step", "do", "enter")


def _which(value: object) -> str | None:
    if isinstance(value, Mapping):
        return next((key for key in _TURNS if key in value), None)
    return None


Turn = Annotated[
    Annotated[Until, Tag("until")]
    | Annotated[Wait, Tag("wait_h")]
    | Annotated[TakeStep, Tag("step")]
    | Annotated[Do, Tag("do")]
    | Annotated[Enter, Tag("enter")],
    Discriminator(
        _which,
        custom_error_type="turn",
        custom_error_message=f"A turn is told by one of: {', '.join(_TURNS)}",
    ),
]

Outcome = Literal["unreachable", "refused", "call-back-at"]


class Told(_Part):
    """One matter, told as it was.

    Attributes:
        at: When it was received.
        beside: Name of the story whose calls it joins; ``customer_of``: of the story whose customer comes again.
        subject: What its words are about, where no item says so.
        registered_after_h: Hours from the receipt to the registration.
        without: Fields that its record lacks.
        late: Steps whose deadline passes first; ``skip``: steps that nobody takes.
        instead: Steps that are taken though they make another one void.
        lacking: Elements that its reports lack.
        refused: Its result is refused at first.
        turns: What happens beside the procedure.
        ends: After the turns it is walked to its end.
        calls: What comes of the callbacks, one after the other: an answer from 1 to 5, or why there is none.
    """

    unit: str
    at: Moment
    kind: str
    class_: str = Field(default="", alias="class")
    channel: str = ""
    item: str = ""
    service: str = ""
    flags: tuple[str, ...] = ()
    subject: str = ""
    beside: str = ""
    customer_of: str = ""
    handover_on: Moment | None = None
    registered_after_h: Hours = (0.1, 1.5)
    without: tuple[str, ...] = ()
    validity: str = ""
    grade: str = ""
    liable: str = ""
    way: str = ""
    amount: int | None = None
    deposit: int | None = None
    late: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    refused: bool = False
    turns: tuple[Turn, ...] = ()
    ends: bool = True
    calls: tuple[Annotated[int, Field(ge=1, le=5)] | Outcome, ...] = (4,)
