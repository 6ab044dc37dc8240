"""What stands in answers as text: instants, days and exact numbers, as they were written down and not read again."""

from typing import Annotated

from pydantic import Field

InstantText = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""An instant as it was kept, with its offset."""

DayText = Annotated[str, Field(json_schema_extra={"format": "date"})]
"""A day, like ``2026-07-31``."""

ExactText = Annotated[str, Field(json_schema_extra={"format": "decimal"})]
"""A number, exact: a decimal, or a fraction like ``1/3`` where its decimals do not end."""
