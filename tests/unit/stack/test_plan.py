"""Which processes a stack runs, and what each is told."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jiandu.cli import app
from jiandu.stack.errors import StackError
from jiandu.stack.plan import HEADQUARTERS, Plan, Process, Service, Surroundings, operator_of, sites_of
from jiandu.stack.server import ROOT
from jiandu.stack.state import StateFile
from shared.rulebook.load import load_organisation
from tests.builders_rules import an_edition

SURROUNDINGS = Surroundings("jinke", "mongodb://m", "amqp://a")


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, dict[str, str]]:
    """The settings of each process of a stack with two sites."""
    file = StateFile(tmp_path)
    processes = Plan(sites=("wuxi", "chengdu"), callbacks=2).processes()
    return {process.name: dict(Service(process, SURROUNDINGS, file).environment()) for process in processes}


def test_every_site_has_an_intake_and_callback_its_replicas(settings: dict[str, dict[str, str]]) -> None:
    assert list(settings) == [
        "registry",
        "intake-wuxi",
        "intake-chengdu",
        "handling",
        "callback-1",
        "callback-2",
        "scoring",
    ]


@pytest.mark.parametrize(
    ("group", "intakes"),
    [
        # Jiangyin is a subsidiary of the organisation, and served at the site of Wuxi.
        ("jinke", ["intake-chongqing", "intake-chengdu", "intake-wuxi", "intake-changsha"]),
        ("general", ["intake-main", "intake-second", "intake-third"]),
    ],
)
def test_a_group_has_an_intake_at_each_of_its_own_sites(group: str, intakes: list[str]) -> None:
    named = [process.name for process in Plan(group).processes() if process.service == "intake"]

    assert named == intakes


@pytest.mark.parametrize(
    ("group", "sites", "refusal"),
    [
        (
            "jinke",
            ("wuxi", "nix"),
            "Group 'jinke' has no site 'nix' with an intake. It has: chongqing, chengdu,",
        ),
        (
            "general",
            ("wuxi",),
            "Group 'general' has no site 'wuxi' with an intake. It has: main, second, third.",
        ),
        ("jinke", ("group",), "Group 'jinke' has no site 'group' with an intake."),
        ("nix", (), "There is no group 'nix'. There are: general, jinke, luneng, xinao, zhongyida."),
        ("../jinke", (), "There is no group '../jinke'."),
    ],
)
def test_what_the_organisation_does_not_have_is_refused_with_what_it_has(
    group: str, sites: tuple[str, ...], refusal: str
) -> None:
    with pytest.raises(StackError, match="^" + re.escape(refusal)):
        Plan(group, sites)


@pytest.mark.parametrize("words", [["--group", "nix"], ["--sites", "wuxi,nix"]])
def test_up_refuses_it_before_anything_starts(tmp_path: Path, words: list[str]) -> None:
    answer = CliRunner().invoke(app, ["stack", "up", "--folder", str(tmp_path / "s"), *words])

    assert (answer.exit_code, (tmp_path / "s").exists()) == (1, False)
    assert "nix" in answer.stderr


@pytest.mark.parametrize("group", ["jinke", "general"])
def test_every_site_has_an_operator_under_the_name_by_which_the_commands_sign_in(group: str) -> None:
    organisation = load_organisation(ROOT / "rulebooks" / group / "organisation.yaml")
    rules = an_edition(group).slices[-1][1]

    for site in (HEADQUARTERS, *sites_of(group)):
        account = operator_of(site)
        assert organisation.units[organisation.unit_of(account)].site == site
        assert "operations.manage" in rules.rights.roles[organisation.role_of(account)].rights


def test_no_site_knows_anothers_keys(settings: dict[str, dict[str, str]]) -> None:
    for_site = ("JIANDU_SITE", "JIANDU_TOKEN_SECRET", "JIANDU_SITE_KEY")

    wuxi, chengdu, group = (
        {settings[name][key] for key in for_site} for name in ("intake-wuxi", "intake-chengdu", "handling")
    )

    assert len(wuxi | chengdu | group) == 9


def test_headquarters_services_share_their_token_secret(settings: dict[str, dict[str, str]]) -> None:
    group = ("registry", "handling", "callback-1", "callback-2", "scoring")

    assert len({settings[name]["JIANDU_TOKEN_SECRET"] for name in group}) == 1


def test_a_process_may_have_settings_of_its_own(tmp_path: Path) -> None:
    process = Process("handling", "handling", env={"JIANDU_SWEEP_EVERY_S": "0.1"})

    settings = Service(process, SURROUNDINGS, StateFile(tmp_path)).environment()

    assert settings["JIANDU_SWEEP_EVERY_S"] == "0.1"
