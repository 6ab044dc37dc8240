"""The parts that every rule is made of: text, source, conditions."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema


class Part(BaseModel):
    """Something inside a rulebook. Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Text(Part):
    """Words in both languages. Chinese first."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class _OneOrMany:
    """Lets the JSON schema of a list take a single word too, as the validator before it does."""

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(core)
        return {"anyOf": [many["items"], many]}


_Word = TypeVar("_Word", bound=str)

OneOrMore = Annotated[tuple[_Word, ...], BeforeValidator(_as_tuple), _OneOrMany()]
"""One word or a list of words."""

Keys = OneOrMore[str]
"""One key or a list of keys."""

_CATALOGUE_ID = re.compile(r"[A-Z]{2}-[0-9]{2}")


def _catalogue_ids(ids: tuple[str, ...]) -> tuple[str, ...]:
    for one in ids:
        if not _CATALOGUE_ID.fullmatch(one):
            msg = (
                f"'{one}' is no catalogue id. Write two capitals, a hyphen and two digits, for example JK-07."
            )
            raise ValueError(msg)
    return ids


Sources = Annotated[Keys, AfterValidator(_catalogue_ids)]
"""One catalogue id or a list of them."""

ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A local time of day, ``HH:MM``. An end of ``00:00`` is the midnight that closes the day."""


class Rule(Part):
    """An entry that holds from a day until the next entry's day, and where it comes from.

    Attributes:
        since: First day in force (YAML ``from``).
        source: Catalogue ids, for example ``JK-04``.
        note: Our reading, where the text leaves a question open.
    """

    since: date = Field(alias="from")
    source: Sources = Field(min_length=1)
    title: Text
    note: str = ""


class Match(Part):
    """A closed condition: every field that is given must hold. An empty one always holds.

    Fields name facts of a case; a list means "one of". ``flag`` asks for a flag that is set.
    """

    kind: Keys = ()
    class_: Keys = Field(default=(), alias="class")
    validity: Keys = ()
    procedure: Keys = ()
    item: Keys = ()
    channel: Keys = ()
    way: Keys = ()
    liable: Keys = ()
    flag: Keys = ()
    tier: Keys = ()
    grade: Keys = ()
    service: Keys = ()

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is asked."""
        return not any(self.__dict__.values())

    def holds(self, facts: Mapping[str, str], flags: frozenset[str] | tuple[str, ...] = ()) -> bool:
        """Say whether the condition holds for ``facts`` (field → value) and ``flags``."""
        for name, wanted in (
            ("kind", self.kind),
            ("class", self.class_),
            ("validity", self.validity),
            ("procedure", self.procedure),
            ("item", self.item),
            ("channel", self.channel),
            ("way", self.way),
            ("liable", self.liable),
            ("tier", self.tier),
            ("grade", self.grade),
            ("service", self.service),
        ):
            if wanted and facts.get(name, "") not in wanted:
                return False
        return all(flag in flags for flag in self.flag)

    def meets(self, other: "Match") -> bool:
        """Say whether one case can fulfil both. A flag that one asks for does not keep the other away."""
        asked = [
            (set(getattr(self, name)), set(getattr(other, name)))
            for name in type(self).model_fields
            if name != "flag"
        ]
        return all(not left or not right or left & right for left, right in asked)
