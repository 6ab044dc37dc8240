"""What stands in answers: views of what is kept, and instants, days and exact numbers as text, not read again."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field


class View(BaseModel):
    """Base of what shows a thing as it is: a field shows the thing's attribute of the same name."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def showing(cls, thing: object, **otherwise: object) -> Self:
        """Show a thing, but for the fields that are given otherwise."""
        same = {name: getattr(thing, name) for name in cls.model_fields if name not in otherwise}
        return cls.model_validate({**same, **otherwise})


InstantText = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""An instant as it was kept, with its offset."""

DayText = Annotated[str, Field(json_schema_extra={"format": "date"})]
"""A day, like ``2026-07-31``."""

ExactText = Annotated[str, Field(json_schema_extra={"format": "decimal"})]
"""A number, exact: a decimal, or a fraction like ``1/3`` where its decimals do not end."""
