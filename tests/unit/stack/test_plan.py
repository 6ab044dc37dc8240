"""Which processes a stack runs, and what each is told."""

from pathlib import Path

import pytest

from jiandu.stack.plan import Plan, Process, Service, Surroundings
from jiandu.stack.state import StateFile

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
