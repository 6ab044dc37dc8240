"""Who operates which service: the commands over a registry, a subsidiary's intake and handling, all of them real."""

from collections.abc import Iterator

import httpx2
import pytest
from typer.testing import CliRunner, Result

from jiandu.cli import app
from jiandu.stack.guard import guarded
from jiandu.stack.plan import Plan
from jiandu.stack.stack import Stack

pytestmark = pytest.mark.connected

THERE = ("registry", "intake-wuxi", "handling")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, because the commands ask every service that runs in one."""
    folder = tmp_path_factory.mktemp("operators")
    with guarded(folder):
        stack = Stack.servers(folder)
        processes = [one for one in Plan(sites=("wuxi",)).processes() if one.name in THERE]
        try:
            stack.start_all(tuple(processes), group="jinke")
            yield stack
        finally:
            stack.remove()


def run(stack: Stack, topic: str, *words: str) -> Result:
    given = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"})
    command, *options = words
    return given.invoke(app, [topic, "--folder", str(stack.folder), *options, command])


def test_each_service_answers_the_operator_of_its_own_site(stack: Stack) -> None:
    """What breaks it: signing in everywhere with headquarters' account, which a subsidiary's site never hears of."""
    status, verdict = run(stack, "log", "status"), run(stack, "log", "verify")

    assert (status.exit_code, status.stderr, verdict.exit_code, verdict.stderr) == (0, "", 0, "")
    assert {line.split()[0] for line in status.stdout.splitlines()} >= {f"{name}:" for name in THERE}
    rows = [line.split() for line in verdict.stdout.splitlines()[1:]]
    assert {row[-1] for row in rows} == {"holds"}
    assert sum(row[1].startswith("jiandu/") for row in rows) == 6
    # What a service follows into its own copy is looked at as well: the directory of all three, not empty anywhere.
    assert {row[0] for row in rows if row[1] == "directory" and row[2] != "0"} == set(THERE)


def test_nothing_is_parked_at_any_of_them(stack: Stack) -> None:
    answer = run(stack, "parked", "list")

    assert (answer.exit_code, answer.stdout) == (0, "Nothing is parked.\n")


def test_a_service_that_refuses_is_named_and_the_others_are_asked_all_the_same(stack: Stack) -> None:
    answer = run(stack, "log", "status", "--account", "operator")

    assert answer.exit_code == 2
    assert answer.stderr == (
        "intake-wuxi refuses 'operator': 401: Account and password do not match, or the account was revoked.\n"
    )
    assert "handling: 0 events early" in answer.stdout
    assert "intake-wuxi" not in {line.split()[0] for line in answer.stdout.splitlines()}


def test_a_subsidiarys_operator_sees_nothing_of_headquarters_which_holds_everybodys_matters(
    stack: Stack,
) -> None:
    """INVARIANT: a subsidiary's account reads parked events of its own subtree alone.

    What breaks it: asking for the right only. Headquarters' services know every site's accounts.
    """
    answer = run(stack, "parked", "list", "--service", "handling", "--account", "wuxi-operator")

    assert answer.exit_code == 2
    assert answer.stderr.startswith("handling refuses 'wuxi-operator': 403: ")


def test_a_message_that_is_not_parked_is_not_tried_again(stack: Stack) -> None:
    here = ["parked", "--folder", str(stack.folder), "--service", "handling"]

    answers = [
        CliRunner().invoke(app, [*here, "replay", *chosen])
        for chosen in (["nothing"], ["--group", "unreadable:?:not JSON"])
    ]

    assert [answer.exit_code for answer in answers] == [1, 1]
    assert [answer.stderr.split(" `")[0] for answer in answers] == [
        "handling: not parked, so not tried again: 1 of 1, nothing.",
        "handling: not parked, so not tried again: 1 of 1, group unreadable:?:not JSON.",
    ]


def test_operators_have_no_other_right_at_a_subsidiary(stack: Stack) -> None:
    base = f"http://127.0.0.1:{stack.file.port('intake-wuxi')}"
    who = {"account": "wuxi-operator", "password": stack.file.secret("seed-password")}
    token = httpx2.post(f"{base}/v1/session", json=who, trust_env=False).json()["token"]

    answer = httpx2.get(
        f"{base}/v1/complaints", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )

    assert answer.status_code == 403
