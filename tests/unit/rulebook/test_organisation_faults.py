"""What an organisation lacks that its rulebook asks of it is told: where, what, and what to add."""

from collections.abc import Mapping
from typing import Any

import pytest

from shared.rulebook.checks import Fault, organisation_faults
from shared.rulebook.schema.organisation import Organisation
from tests.builders_rules import an_edition

RULE = {"since": "2026-01-01", "source": "JK-01", "title": {"zh": "一", "en": "one"}}
WORDS = {"zh": "一", "en": "one"}
CENTRE = {"name": WORDS, "kind": "centre", "site": "group", "established_on": "2026-01-01"}
BRANCH = {
    **CENTRE,
    "kind": "branch",
    "parent": "c",
    "peers": "town",
    "service_lead": "li",
    "activated_by": "wang",
}
WANG = {"name": "王", "unit": "c", "role": "chief", "since": "2026-01-01"}
LI = {
    "name": "李",
    "unit": "b",
    "role": "clerk",
    "since": "2026-02-01",
    "opinion": "同意",
    "passed": {"service": "2026-02-01"},
}


def rules() -> Any:  # noqa: ANN401  # rules whose rights are those of this file
    known = an_edition().slices[-1][1]
    rights = type(known.rights).model_validate(
        {
            "unit_kinds": {
                "centre": RULE,
                "region": {**RULE, "inside": "centre"},
                "branch": {
                    **RULE,
                    "inside": ["centre", "region"],
                    "needs_lead": True,
                    "activated_by": ["chief", "head"],
                    "peers": {"town": WORDS, "land": WORDS},
                },
            },
            "roles": {
                "chief": {**RULE, "at": "centre", "rights": "cases.read"},
                "head": {**RULE, "at": ["centre", "region"], "rights": "cases.read"},
                "clerk": {**RULE, "at": "branch", "rights": "cases.read"},
            },
            "courses": {"service": RULE},
            "appointments": {
                "asked": {**RULE, "role": "clerk", "needs": "opinion", "of": "chief"},
                "taught": {**RULE, "role": "clerk", "needs": "training", "of": "service"},
            },
        },
        by_name=True,
        by_alias=True,
    )
    return known.model_copy(update={"rights": rights})


def told(branch: Mapping[str, object] = {}, li: Mapping[str, object] = {}, **account: str) -> list[Fault]:
    organisation = Organisation.model_validate(
        {
            "units": {"c": CENTRE, "b": {**BRANCH, **branch}},
            "people": {"wang": WANG, "li": {**LI, **li}},
            "accounts": {"li.login": {"person": "li", **account}},
        }
    )
    return organisation_faults(organisation, rules())


def test_an_organisation_that_gives_what_is_asked_is_sound() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("branch", "fault"),
    [
        (
            {"peers": "twon"},
            Fault(
                ("units", "b", "peers"),
                "'units.b.peers' names the peer group 'twon', which does not exist.",
                "Did you mean 'town'?",
            ),
        ),
        (
            {"peers": "sea"},
            Fault(
                ("units", "b", "peers"),
                "'units.b.peers' names the peer group 'sea', which does not exist.",
                "Add it under 'rights.unit_kinds', or name one that is there.",
            ),
        ),
        (
            {"service_lead": ""},
            Fault(
                ("units", "b"),
                "Such a unit is active only once a person answers for it.",
                "Add 'service_lead'.",
            ),
        ),
        (
            {"activated_by": ""},
            Fault(
                ("units", "b"),
                "Such a unit is active only once a chief or a head approved it.",
                "Add 'activated_by', and name one.",
            ),
        ),
        (
            {"activated_by": "li"},
            Fault(
                ("units", "b"),
                "Such a unit is active only once a chief or a head approved it.",
                "Add 'activated_by', and name one.",
            ),
        ),
    ],
    ids=["peers misspelt", "no such peers", "nobody answers", "nobody approved", "a clerk approved"],
)
def test_what_a_unit_lacks_is_told(branch: Mapping[str, object], fault: Fault) -> None:
    assert told(branch) == [fault]


def test_a_unit_of_an_unknown_kind_is_told_with_everything_that_hangs_on_the_kind() -> None:
    (kind, peers, served, logged_in) = told({"kind": "office"})

    assert kind == Fault(
        ("units", "b", "kind"),
        "'units.b.kind' names the kind of unit 'office', which does not exist.",
        "Add it under 'rights.unit_kinds', or name one that is there.",
    )
    assert (peers.loc, peers.what) == (
        ("units", "b", "peers"),
        "'units.b.peers' names the peer group 'town', which does not exist.",
    )
    assert [served.loc, logged_in.loc] == [("people", "li", "unit"), ("accounts", "li.login", "unit")]


def test_a_unit_in_the_wrong_place_is_told_where_it_may_lie() -> None:
    organisation = Organisation.model_validate(
        {
            "units": {"c": CENTRE, "b": BRANCH, "in-b": {**BRANCH, "parent": "b"}},
            "people": {"wang": WANG, "li": LI},
        }
    )

    assert organisation_faults(organisation, rules()) == [
        Fault(
            ("units", "in-b", "parent"),
            "A unit of kind 'branch' lies in one of kind 'branch'.",
            "Let it lie in one of kind centre or region.",
        )
    ]


@pytest.mark.parametrize(
    ("li", "fault"),
    [
        (
            {"opinion": ""},
            Fault(
                ("people", "li"),
                "A 'clerk' is appointed after an opinion was asked, and none is recorded.",
                "Add 'opinion'.",
            ),
        ),
        (
            {"passed": {"service": "2026-02-02"}},
            Fault(
                ("people", "li"),
                "A 'clerk' passes the course 'service' first, and no pass is recorded.",
                "Add 'passed: {service: <day>}'.",
            ),
        ),
    ],
    ids=["no opinion", "passed after the first day"],
)
def test_what_a_person_lacks_is_told(li: Mapping[str, object], fault: Fault) -> None:
    assert told(li=li) == [fault]


def test_a_role_that_does_not_exist_or_not_there_is_told_of_the_account() -> None:
    assert told(role="head") == [
        Fault(
            ("accounts", "li.login", "unit"),
            "The role 'head' does not exist at a unit of kind 'branch'.",
            "It exists at: centre, region.",
        )
    ]
    assert told(role="clark") == [
        Fault(
            ("accounts", "li.login", "role"),
            "'accounts.li.login.role' names the role 'clark', which does not exist.",
            "Did you mean 'clerk'?",
        )
    ]


def test_a_person_of_a_role_that_exists_elsewhere_is_told() -> None:
    assert told(li={"role": "head"})[0] == Fault(
        ("people", "li", "unit"),
        "The role 'head' does not exist at a unit of kind 'branch'.",
        "It exists at: centre, region.",
    )
