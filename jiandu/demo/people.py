"""Made-up customers: a name, a telephone, and what the habits say stays with a customer (a street, a flat …)."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from jiandu.demo.habits import Offer, filled

_FAMILY_NAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任"
)
_GIVEN_ONE = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚"
_GIVEN_TWO = (
    "桂英建国建华秀英志强晓东海燕雪梅国庆玉兰文静子涵浩然思远雨桐"
    "佳怡俊杰家豪欣怡志明春梅凤英德华永强世杰立新红梅小红宏伟振华"
)
_GIVEN = (*_GIVEN_ONE, *(_GIVEN_TWO[at : at + 2] for at in range(0, len(_GIVEN_TWO), 2)))

_PREFIXES = (135, 136, 137, 138, 139, 150, 151, 152, 158, 159, 180, 181)
PER_PREFIX = 10_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who comes with a matter.

    Attributes:
        slots: What stays with them, for the texts of the habits.
    """

    name: str
    phone: str
    slots: Mapping[str, str]


def person(number: int, prefix: int, offered: Mapping[str, Offer], rng: Random) -> Person:
    """Return the customer of a number. Two numbers with one prefix never share a telephone.

    Args:
        prefix: Place of the telephone's beginning among those that there are.
        offered: What is drawn for the slots.
    """
    # No operator has given out numbers with 0000 in the middle, so nobody real is ever named.
    phone = f"{_PREFIXES[prefix % len(_PREFIXES)]}0000{number % PER_PREFIX:04d}"
    return Person(name(rng), phone, filled(offered, rng, {"number": f"{number:05d}"}))


def name(rng: Random) -> str:
    """Return a made-up person's name."""
    return f"{rng.choice(_FAMILY_NAMES)}{rng.choice(_GIVEN)}"
