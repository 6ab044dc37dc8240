"""Realistic words for a made-up quarter: owners, addresses, what they complain about.

Everything is drawn from the ``Random`` that is passed in, so a seed gives the same quarter again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from jiandu.demo.matters import DESIGN, HANDOVER, LETTERS, PROPERTY, QUESTIONS, RISK, SERVICE, UNFOUNDED
from jiandu.demo.phrases import (
    BUYING,
    CONSTRUCTION,
    DAY,
    FABRIC_HISTORIES,
    HISTORIES,
    LIVING,
    ROOMS,
    SINCE,
    SPOTS,
    WHEN,
    Topic,
)

SUBJECTS: Mapping[str, Mapping[str, tuple[Topic, ...]]] = {
    "construction": CONSTRUCTION,
    "service": SERVICE,
    "unfounded": UNFOUNDED,
    "question": QUESTIONS,
    "property": PROPERTY,
    "risk": RISK,
    "handover": HANDOVER,
    "design": DESIGN,
    "letter": LETTERS,
}
"""Families of subjects."""

_WRITTEN_BY_US = ("design", "letter")
_NOT_LIVING_THERE = ("service", "handover", "question")

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subsidiary sells its flats."""

    city: str
    streets: tuple[str, ...]
    projects: tuple[str, ...]


PLACES: Mapping[str, Place] = {
    "chongqing": Place(
        "重庆市",
        ("江北区金渝大道", "渝北区龙山路", "九龙坡区科园路", "南岸区南坪西路"),
        ("金科云栖里", "金科江澜府", "金科十里廊桥", "金科山城印象"),
    ),
    "chengdu": Place(
        "成都市",
        ("锦江区锦华路", "龙泉驿区驿都大道", "双流区航空路"),
        ("金科望锦台", "金科花照壁", "金科锦水岸"),
    ),
    "wuxi": Place(
        "无锡市",
        ("滨湖区蠡湖大道", "新吴区长江路", "惠山区政和大道"),
        ("金科蠡湖一号", "金科太湖天境", "金科运河里"),
    ),
    "changsha": Place(
        "长沙市",
        ("岳麓区潇湘中路", "雨花区韶山南路", "开福区芙蓉北路"),
        ("金科麓山境", "金科湘江序", "金科星城里"),
    ),
}
"""The subsidiaries of the demo. Streets exist, projects do not."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A made-up person with a made-up flat."""

    name: str
    phone: str
    project: str
    building: int
    flat: str
    address: str
    contract: str


def owner(site: str, number: int, rng: Random) -> Owner:
    """Return the ``number``-th owner of a subsidiary. Two numbers never share a telephone."""
    place = PLACES[site]
    project = rng.choice(place.projects)
    building, floor, door = rng.randint(1, 28), rng.randint(1, 32), rng.randint(1, 6)
    flat = f"{floor}-{door}"
    street = rng.choice(place.streets)
    # No operator has given out numbers with 0000 in the middle, so nobody real is ever named.
    phone = f"{_PREFIXES[list(PLACES).index(site) + 4 * (number // 10_000 % 3)]}0000{number % 10_000:04d}"
    return Owner(
        name=name(rng),
        phone=phone,
        project=project,
        building=building,
        flat=flat,
        address=f"{place.city}{street}{rng.randint(1, 399)}号{project}{building}栋{flat}",
        contract=f"JK{site[:2].upper()}{rng.randint(2021, 2025)}{number:05d}",
    )


def name(rng: Random) -> str:
    """Return a made-up person's name."""
    family, given = rng.choice(_FAMILY_NAMES), rng.choice(_GIVEN)
    return f"{family}{given}"


def words(family: str, subject: str, who: Owner, rng: Random) -> tuple[str, str]:
    """Return what an owner says about a subject, and what is asked for."""
    about = rng.choice(SUBJECTS[family][subject])
    demand = rng.choice(about.demands)
    text = f"{rng.choice(about.symptoms)}，{rng.choice(about.effects)}。"
    if family not in _WRITTEN_BY_US:
        opening = rng.choice(BUYING if family in _NOT_LIVING_THERE else LIVING)
        history = rng.choice(FABRIC_HISTORIES if family == "construction" else HISTORIES)
        text = f"{opening}{text}{history}"
    filled = f"{text}{demand}。".format(
        project=who.project,
        building=who.building,
        flat=who.flat,
        since=rng.choice(SINCE),
        when=rng.choice(WHEN),
        day=rng.choice(DAY),
        room=rng.choice(ROOMS),
        spot=rng.choice(SPOTS),
    )
    return filled, demand
