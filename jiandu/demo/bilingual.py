"""Words in both languages, and points as they are shown."""

from decimal import ROUND_HALF_UP, Decimal

from rich.markup import escape
from rich.rule import Rule

_TENTH = Decimal("0.1")


def both(zh: str, en: str) -> str:
    """Put the English under the Chinese, less bright.

    Example:
        >>> both("逾期", "late")
        '逾期\\n[dim]late[/]'
    """
    return f"{escape(zh)}\n[dim]{escape(en)}[/]"


def heading(zh: str, en: str) -> Rule:
    """Return a heading over the whole width."""
    return Rule(f"[bold]{zh}[/] / {en}", align="left")


def shown(value: str) -> str:
    """Show points to a tenth, half up; what is exact stays in the result.

    Example:
        >>> shown("81.25")
        '81.3'
    """
    return str(Decimal(value).quantize(_TENTH, ROUND_HALF_UP))
