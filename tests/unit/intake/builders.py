"""Builders for intake: a site with its units, accounts and edition, as the registry would have told it."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.intake.domain.complaints import Complaint, Submission, examine, id_of, register
from services.intake.domain.progress import Progress
from shared.events import Sealed
from shared.identity.access import hash_password
from shared.identity.directory import directory_in
from shared.identity.vault import seal_secret
from shared.rulebook.edition import Edition
from shared.rulebook.load import bundle
from shared.rulebook.schema import Rules
from shared.runtime.settings import Settings
from shared.storage.aggregates import Stored, change_of
from shared.storage.database import open_database
from shared.values.idempotency import Command
from tests.builders_rules import an_edition

SITE = "chongqing"
PASSWORD = "a long password"
KEYS = {name: bytes([at]) * 32 for at, name in enumerate(("token_secret", "site_key", "group_key"))}

UNITS: Mapping[str, tuple[str, str | None, str]] = {
    "group": ("group-centre", None, "group"),
    "chongqing": ("subsidiary", "group", SITE),
    "chongqing-branch": ("branch", "chongqing", SITE),
    "chongqing-desk": ("sales-desk", "chongqing-branch", SITE),
    "chengdu": ("subsidiary", "group", "chengdu"),
    "chengdu-branch": ("branch", "chengdu", "chengdu"),
}
ACCOUNTS: Mapping[str, tuple[str, str]] = {
    "officer": ("branch-officer", "chongqing-branch"),
    "head": ("branch-head", "chongqing-branch"),
    "desk": ("desk-officer", "chongqing-desk"),
    "importer": ("importer", "chongqing"),
    "hr": ("hr-officer", "chongqing"),
    "director": ("centre-director", "group"),
}
RECEIVED = datetime(2026, 7, 3, 2, 0, tzinfo=UTC)
"""Friday 3 July 2026, 10:00 in Chongqing."""

FIELDS: Mapping[str, str] = {
    "name": "张三丰",
    "phone": "13812345678",
    "words": "客厅窗户漏水，多次报修没有人来处理。",
    "address": "重庆市江北区金科大道1号3栋502",
    "project": "金科十年城",
    "demand": "尽快维修",
    "first-taker": "李四",
}


def the_rules() -> Rules:
    """Give the rules of the day of receipt."""
    return an_edition().at(RECEIVED)


def said(**changed: object) -> Submission:
    """Say something that can be registered, with some of it changed."""
    whole: dict[str, Any] = {
        "kind": "complaint",
        "class_": "general",
        "channel": "telephone",
        "fields": FIELDS,
        "received_at": RECEIVED,
    }
    return Submission(**(whole | changed))


def body(**changed: object) -> dict[str, Any]:
    """Give the JSON of a registration, with some of it changed."""
    return {
        "kind": "complaint",
        "class": "general",
        "channel": "telephone",
        "fields": dict(FIELDS),
        **changed,
    }


A_BOX = Sealed(key="c" * 32, box="box")


def a_complaint(told: Progress | None = None, **changed: object) -> Complaint:
    """Give a registered complaint."""
    command = Command("key-0001", "digest", "request")
    complaint, _ = register(
        examine(said(**changed), the_rules(), RECEIVED),
        id_of("chongqing-branch", command.key),
        site=SITE,
        unit="chongqing-branch",
        month="202607",
        by="li-si",
        customer="c" * 32,
        problem_user=False,
        sealed=A_BOX,
        command=command,
        edition=an_edition().hash,
    )
    if told is None:
        return complaint
    fields = {name: getattr(complaint, name) for name in complaint.__dataclass_fields__}
    return Complaint(**{**fields, "told": told})


def a_record(type_: str, at: datetime = RECEIVED, **data: object) -> dict[str, Any]:
    """Give an envelope with what the ledger reads of it."""
    return {"id": f"id-of-{type_}", "type": type_, "time": at.isoformat(), "data": data}


def settings_of(
    mongo_url: str, amqp_url: str, prefix: str, site: str = SITE, group: str = "jinke"
) -> Settings:
    """Give the settings of a site's intake that looks at everything often."""
    given: dict[str, Any] = {
        "group": group,
        "site": site,
        "mongo_url": mongo_url,
        "amqp_url": amqp_url,
        "database_prefix": prefix,
        "log_level": "CRITICAL",
        "sweep_every_s": 0.1,
        "poll_s": 0.1,
        **{name: base64.b64encode(key).decode() for name, key in KEYS.items()},
    }
    return Settings(**given)


async def seed(
    mongo_url: str,
    database: str,
    accounts: Mapping[str, tuple[str, str]] = ACCOUNTS,
    edition: Edition | None = None,
    units: Mapping[str, tuple[str, str | None, str]] = UNITS,
) -> None:
    """Write into a service's database what the registry would have told it."""
    edition = edition or an_edition()
    states: dict[str, dict[str, Any]] = {
        f"edition/{edition.hash}": {
            "name": edition.name,
            "hash": edition.hash,
            "bundle": bundle(edition),
            "enacted_at": "2026-01-01T00:00:00Z",
        }
    }
    for unit, (kind, parent, site) in units.items():
        states[f"unit/{unit}"] = {
            "unit": unit,
            "kind": kind,
            "parent": parent,
            "site": site,
            "name_zh": unit,
            "name_en": unit,
            "established_on": "2005-06-01",
        }
    counts = dict.fromkeys((site for _, _, site in units.values()), len(accounts))
    states["register/filled"] = {"units": len(units), "people": 0, "accounts": counts}
    password = hash_password(PASSWORD)
    for account, (role, unit) in accounts.items():
        secret = seal_secret(KEYS["group_key"], f"account/{account}", password)
        states[f"account/{account}"] = {
            "account": account,
            "person": f"person-{account}",
            "unit": unit,
            "role": role,
            "revoked": False,
            "secret": secret.model_dump(),
        }
    async with open_database(mongo_url, database) as opened:
        directory = directory_in(opened).collection
        await directory.save_many(
            [change_of(Stored(key), state, [], None, index={}) for key, state in states.items()]
        )
