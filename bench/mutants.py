"""``make mutants``: change one thing of the core at a time, and see whether a test notices.

A mutant is only in memory: a child process imports the changed text in place of its file, in a copy of the
last commit, and runs the tests that pass through the changed lines. What a change may be, mutmut says.
"""

import argparse
import gc
import importlib
import inspect
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from functools import partial
from importlib.machinery import SourceFileLoader
from itertools import accumulate, chain
from pathlib import Path
from types import CodeType, FunctionType

import libcst as cst
import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

CORE = ("shared/timekeeping", "shared/rulebook", "shared/values", "services/scoring/domain")
NOT_CORE = (
    "shared/rulebook/schema/",
    "shared/rulebook/load/",
    *(f"services/scoring/domain/{name}.py" for name in ("disputes", "publication", "records", "subjects")),
)
TESTS = ("tests/unit/rulebook", "tests/unit/scoring", "tests/unit/timekeeping", "tests/unit/values")
EQUIVALENT = Path(__file__).with_suffix(".toml").resolve()
PROMISED = 0.9
WORKERS = 2
BUDGET_S = 30.0
"""So many seconds of tests have a mutant to notice, those first that are most about its module."""
SLOW_S = 4.0
"""A test that takes longer than this notices no mutant: it plays a whole command."""
ENDLESS_S, WALL_S, MEMORY_BYTES = 60, 1200, 8 * 2**30
"""What a child may take, beside the seconds of its tests, before it counts as noticed."""

# Types, decorators and imports fail while they are loaded, which says nothing of tests.
_NEVER = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        lines: Those of the changed expression, then those of its statement.
        is_inside: It stands in the body of a function, so it can be put into a module that is loaded.
    """

    path: str
    lines: tuple[range, range]
    is_inside: bool
    before: str
    after: Callable[[], str]

    @property
    def change(self) -> str:
        """The lines that differ, wherever they stand."""
        return "\n".join(
            re.sub(r"^([-+])\s+", r"\1 ", line)
            for line in list(
                unified_diff(self.before.splitlines(), self.after().splitlines(), n=0, lineterm="")
            )[2:]
            if not line.startswith("@@")
        )


def mutants(path: str) -> Iterator[Mutant]:
    """Everything that could be changed in a file."""
    text = Path(path).read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    places = wrapper.resolve(PositionProvider)

    def walk(node: cst.CSTNode, lines: range, statement: range, *, inside: bool = False) -> Iterator[Mutant]:
        docstring = isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString)
        if docstring or isinstance(node, _NEVER):
            return
        if place := places.get(node):
            lines = range(place.start.line, place.end.line + 1)
        if isinstance(node, cst.SimpleStatementLine):
            statement = lines
        for kind, operator in mutation_operators:
            for changed in operator(node) if isinstance(node, kind) else ():
                yield Mutant(
                    path, (lines, statement), inside, text, _replacing(wrapper.module, node, changed)
                )
        for child in node.children:
            body = isinstance(node, cst.FunctionDef) and child is node.body
            yield from walk(child, lines, statement, inside=inside or body)

    return walk(wrapper.module, range(0), range(0))


def _replacing(module: cst.Module, old: cst.CSTNode, new: cst.CSTNode) -> Callable[[], str]:
    return lambda: cst.ensure_type(module.deep_replace(old, new), cst.Module).code


class Recorder:
    """Notes which test passes through which line, how long it takes, and what fails without any change."""

    def __init__(self) -> None:
        """Measure in memory."""
        self.coverage = Coverage(
            data_file=None, include=[f"{folder}/*" for folder in CORE], config_file=False
        )
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Let the lines and the time be the test's own."""
        self.coverage.switch_context(item.nodeid)
        begun = time.process_time()
        outcome = yield
        self.seconds[item.nodeid] += time.process_time() - begun
        return outcome

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that fails without any change takes for ever."""
        self.seconds[report.nodeid] += float("inf") if report.failed else 0.0


class Chosen:
    """Leaves only the wanted tests, in the wanted order."""

    def __init__(self, tests: Sequence[str]) -> None:
        """Want ``tests``."""
        self.order = {test: number for number, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Choose."""
        wanted = (item for item in items if item.nodeid in self.order)
        items[:] = sorted(wanted, key=lambda item: self.order[item.nodeid])


def run_tests(files: Sequence[str], plugin: object, *options: str) -> int:
    """Run pytest in this process."""
    warm = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # Hypothesis is imported before pytest begins
    own = f"--basetemp={tempfile.gettempdir()}/mutant-{os.getpid()}"
    plain = ("-q", "--tb=no", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib", *warm, own)
    return int(pytest.main([*files, *plain, "--hypothesis-profile=mutants", *options], plugins=[plugin]))


def each(number: int, work: Callable[[int], int]) -> Iterator[tuple[int, int]]:
    """Do ``work`` for each of so many numbers, in processes of their own; give the codes as they end."""
    waiting, running = list(range(number)), dict[int, int]()
    while waiting or running:
        if waiting and len(running) < WORKERS:
            task = waiting.pop(0)
            running[_fork(partial(work, task))] = task
        else:
            child, status = os.wait()
            yield running.pop(child), os.waitstatus_to_exitcode(status)


def _fork(work: Callable[[], int]) -> int:
    if child := os.fork():
        return child
    code = 1
    try:
        code = work()
    except Exception:  # noqa: BLE001  # the edge of a process: whatever it was, the parent sees a code
        traceback.print_exc()
    finally:
        os._exit(code)


def bounded(cpu_s: float) -> None:
    """Let this process end by itself, and say nothing."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s), int(cpu_s)))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.alarm(WALL_S)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


class Map:
    """Which tests pass through which line."""

    def __init__(self) -> None:
        """Run every test once, unchanged."""
        files = _test_files()
        parts = [files[worker::WORKERS] for worker in range(WORKERS)]
        for _ in each(WORKERS, lambda worker: _record(parts[worker], f"recorded-{worker}.json")):
            pass
        self.seconds: dict[str, float] = {}
        self.lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for worker in range(WORKERS):
            seconds, lines, others = json.loads(Path(f"recorded-{worker}.json").read_text(encoding="utf-8"))
            for name in others:  # so that the children, which are forked from here, need not import them
                importlib.import_module(name)
            self.seconds |= seconds
            for path, line, tests in lines:
                self.lines[path][line].update(tests)
        self.lines_of_file = {
            path: Counter(file for tests in lines.values() for file in {_file(test) for test in tests})
            for path, lines in self.lines.items()
        }

    def tests(self, mutant: Mutant) -> list[str]:
        """Those that could notice, from the file on that is most about the mutant's module."""
        lines = self.lines[mutant.path]
        through = [set(chain.from_iterable(lines.get(line, ()) for line in part)) for part in mutant.lines]
        found = through[0] or through[1]
        if found == {""}:  # the line runs at import, so whoever uses its file may notice
            found = set(chain.from_iterable(lines.values()))
        fast = (test for test in found - {""} if self.seconds[test] < SLOW_S)
        near = sorted(
            fast, key=lambda test: (self._distance(_file(test), mutant.path), _file(test), self.seconds[test])
        )
        spent = accumulate(self.seconds[test] for test in near)
        return [test for test, seconds in zip(near, spent, strict=True) if seconds <= BUDGET_S]

    def _distance(self, file: str, path: str) -> float:
        return sum(lines[file] for lines in self.lines_of_file.values()) / self.lines_of_file[path][file]


def _test_files() -> list[str]:
    return sorted(str(path) for folder in TESTS for path in Path(folder).rglob("test_*.py"))


def _file(test: str) -> str:
    return test.partition("::")[0]


def _record(files: Sequence[str], into: str) -> int:
    recorder = Recorder()
    with recorder.coverage.collect():
        run_tests(files, recorder)
    data = recorder.coverage.get_data()
    lines = [
        (os.path.relpath(path), line, tests)
        for path in data.measured_files()
        for line, tests in data.contexts_by_lineno(path).items()
    ]
    others = [
        name for name, one in sys.modules.items() if "site-packages" in (getattr(one, "__file__", "") or "")
    ]
    Path(into).write_text(json.dumps([recorder.seconds, lines, others]), encoding="utf-8")
    return 0


class Loaded:
    """Judges mutants where everything is loaded: a child only exchanges the code of functions and runs tests."""

    def __init__(self, sample: Sequence[Mutant], seen: Map) -> None:
        """Judge ``sample``."""
        self.sample, self.seen, self.failed = sample, seen, False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notice."""
        self.failed |= report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judge instead of running the tests, and write down what was not noticed."""
        items = {item.nodeid: item for item in session.items}
        unnoticed = []
        for done, (number, code) in enumerate(each(len(self.sample), partial(self._try, items)), start=1):
            if code == 0:
                unnoticed.append(number)
            if done % 50 == 0:
                print(
                    f"{done} of {len(self.sample)} tried, {len(unnoticed)} not noticed at first", flush=True
                )
        Path("unnoticed.json").write_text(json.dumps(sorted(unnoticed)), encoding="utf-8")
        return True

    def _try(self, items: Mapping[str, pytest.Item], number: int) -> int:
        mutant = self.sample[number]
        tests = self.seen.tests(mutant)
        if not mutant.is_inside or not _exchange(mutant):
            return 0
        bounded(ENDLESS_S + 3 * sum(self.seen.seconds[test] for test in tests))
        chosen = [items[test] for test in tests if test in items]
        for item, following in zip(chosen, [*chosen[1:], None], strict=False):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return 1
        return 0


def _exchange(mutant: Mutant) -> bool:
    """Put the changed code into the functions of the loaded module; False where it does not fit into them."""
    path = os.path.abspath(mutant.path)
    before, after = (_functions(compile(text, path, "exec")) for text in (mutant.before, mutant.after()))
    changed = {(old.co_qualname, old.co_firstlineno): new for old, new in zip(before, after, strict=True)}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename == path:
            new = changed.get((one.__code__.co_qualname, one.__code__.co_firstlineno))
            if new is not None and new.co_freevars != one.__code__.co_freevars:
                return False
            one.__code__ = new or one.__code__
    return True


def _functions(code: CodeType) -> list[CodeType]:
    """Return the functions of a module and of its classes, without those inside functions."""
    inside = [one for one in code.co_consts if isinstance(one, CodeType)]
    optimized = inspect.CO_OPTIMIZED
    return [one for part in inside for one in ([part] if part.co_flags & optimized else _functions(part))]


def survives(mutant: Mutant, seen: Map) -> bool:
    """Whether no test notices, in a process that loads everything anew."""
    tests = seen.tests(mutant)
    if not tests:
        return True
    bounded(ENDLESS_S + 3 * sum(seen.seconds[test] for test in tests))
    _import_instead(os.path.abspath(mutant.path), mutant.after())
    files = list(dict.fromkeys(_file(test) for test in tests))
    return run_tests(files, Chosen(tests), "-x") in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}


def _import_instead(path: str, text: str) -> None:
    usual = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        if os.path.abspath(self.path) == path:
            return compile(text, path, "exec", dont_inherit=True)
        return usual(self, fullname)

    setattr(SourceFileLoader, "get_code", get_code)  # noqa: B010  # the child ends with its mutant


def main() -> None:
    """Draw a sample, judge it, list the survivors; exit with 1 below what is promised."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sample", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="part of the paths of the files to change")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as copy:
        commit = subprocess.run(["git", "archive", "HEAD"], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", copy], input=commit, check=True)
        os.chdir(copy)
        sys.path[0] = copy
        sys.dont_write_bytecode = False  # compiled once, for all children
        settings.register_profile(
            "mutants",
            derandomize=True,
            max_examples=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        core = sorted(
            str(path)
            for folder in CORE
            for path in Path(folder).rglob("*.py")
            if not str(path).startswith(NOT_CORE)
        )
        made = [one for path in core if asked.only in path for one in mutants(path)]
        sample = random.Random(asked.seed).sample(made, min(asked.sample, len(made)))
        print(
            f"{len(made)} mutants of {len(core)} files, a sample of {len(sample)} by seed {asked.seed}",
            flush=True,
        )
        sys.exit(not judge(sample))


def judge(sample: Sequence[Mutant]) -> bool:
    """Whether enough of the sample is noticed."""
    known = {(one["path"], one["change"].strip()): one["reason"] for one in _equivalent()}
    seen = Map()
    survivors = equivalent = 0
    os.waitpid(_fork(lambda: run_tests(_test_files(), Loaded(sample, seen), "-s")), 0)
    left = [sample[number] for number in json.loads(Path("unnoticed.json").read_text(encoding="utf-8"))]
    for number, noticed in each(len(left), lambda number: not survives(left[number], seen)):
        mutant = left[number]
        if not noticed and (mutant.path, mutant.change.strip()) in known:
            equivalent += 1
        elif not noticed:
            survivors += 1
            line = (mutant.lines[0] or mutant.lines[1]).start
            print(f"{mutant.path}:{line} survives\n{mutant.change}\n", flush=True)
    counted = len(sample) - equivalent
    killed = counted - survivors
    print(f"{killed} killed, {survivors} survived, {equivalent} are no change: {killed / counted:.1%} killed")
    return killed >= PROMISED * counted


def _equivalent() -> list[dict[str, str]]:
    found: list[dict[str, str]] = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("equivalent", [])
    return found


if __name__ == "__main__":
    main()
