"""Keys of what is numbered by its source: they sort as the numbers do. Pure."""


def entry_id(source: str, sequence: int) -> str:
    """Return the ``_id`` of an entry, which is also how receipts name it. Sorts as the numbers do."""
    return f"{source}#{sequence:012d}"


def entries_after(source: str, after: int) -> dict[str, str]:
    """Return the ``_id`` range of everything of ``source`` above ``after``."""
    return {"$gt": entry_id(source, after), "$lt": f"{source}$"}
