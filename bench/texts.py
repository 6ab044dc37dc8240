"""Requests for the measurements."""

from typing import Any

WORDS = "客厅及主卧外墙渗水，雨后墙面大面积起鼓脱落，多次联系物管未见处理，要求尽快查明原因并整改。"


def complaint(number: int, customer: int, /, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of the request
    """Return a registration."""
    return {
        "kind": "complaint",
        "class": "general-engineering",
        "item": "waterproofing",
        "channel": "telephone",
        "fields": {
            "name": f"业主{customer}",
            "phone": f"139{customer:08d}",
            "words": WORDS,
            "address": f"重庆市江北区金科大道{number % 900 + 1}号{number % 30 + 1}栋",
            "project": "金科十年城",
            "demand": "尽快整改",
            "first-taker": "刘洋",
        },
        **more,
    }
