"""What people may write: any text, without control characters besides tab and line ends. Pure."""

import re
from collections.abc import Mapping

from pydantic import BaseModel, field_validator

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def fault_of(text: str) -> str:
    """Say what is wrong with a text; empty when nothing is.

    Example:
        >>> fault_of("a\\x00b")
        'holds the control character U+0000; write it without'
    """
    found = _CONTROL.search(text)
    return f"holds the control character U+{ord(found[0]):04X}; write it without" if found else ""


class Written(BaseModel):
    """Base of everything that people send. Its texts are checked wherever they stand, so none can be forgotten."""

    @field_validator("*")
    @classmethod
    def _plain(cls, value: object) -> object:
        if fault := _fault_in(value):
            raise ValueError(fault)
        return value


def _fault_in(value: object) -> str:
    if isinstance(value, str):
        return fault_of(value)
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple):
        # All texts are looked through at once; a line end, which may stand in any, parts them.
        together = "\n".join([part for part in value if isinstance(part, str)])
        parts = (together, *(part for part in value if not isinstance(part, str)))
        return next((fault for part in parts if (fault := _fault_in(part))), "")
    return ""
