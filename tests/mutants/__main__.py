"""
`python -m tests.mutants FILE...`: change each file in every small way, and say which changes no test notices.

First the tests that judge are run once, to know which of them run which lines. Then each change is judged by the tests
that run its statement, until one fails: the quick ones first, and of them those that killed most. What no test runs by
itself, such as a declaration, is judged by every test that runs a line of the file.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.mutants.changes import Change, changes
from tests.mutants.judging import (
    BROKEN,
    ROOT,
    SOURCES,
    TOO_LONG,
    WHILE_STARTING,
    Collected,
    Tests,
    first_failing,
    in_fork,
    prepare,
    run,
    swap,
)

ASKED = (
    "tests/attacks/test_forged_tokens.py",
    "tests/attacks/test_wycheproof.py",
    "tests/conformance/test_endings.py",
    "tests/conformance/test_openapi.py::test_every_reference_of_the_document_leads_somewhere",
    "tests/conformance/test_transcripts.py::test_the_contract_answers_as_its_transcript_says_and_every_code_is_heard",
    "tests/edge/test_api_token.py",
    "tests/edge/test_auth_code.py",
    "tests/edge/test_bad_input.py",
    "tests/edge/test_basic_client.py",
    "tests/edge/test_contract.py",
    "tests/edge/test_holder.py",
    "tests/edge/test_jwt.py",
    "tests/edge/test_opaque.py",
    "tests/edge/test_places.py",
    "tests/edge/test_policies.py",
    "tests/edge/test_server_time.py",
    "tests/edge/test_signed_user.py",
    "tests/edge/test_timestamp.py",
    "tests/edge/test_token_pair.py",
    "tests/edge/test_unchanged.py",
    "tests/forward/test_forward.py",
    "tests/principals/test_admission.py",
    "tests/principals/test_rotation.py",
)
"""The tests that judge, unless others are named: those of checks, schemes and admission, in their own process."""

NOT_SWAPPED = 98
"""The exit code of a fork in which no function has the change."""

QUICK_SECONDS = 1
SLOW_SECONDS = 8
"""What takes longer judges nothing: hundreds of changes are judged."""

Lined = dict[str, list[str]]
"""The tests that run each line of a file."""

Job = tuple[Path, Change | None, Sequence[str]]


class Judged(NamedTuple):
    """What became of a change: `killed`, `killed by time`, `left`, or why nobody knows."""

    file: str
    change: Change | None
    end: str


class Measuring(Collected):
    """Writes down which tests run which lines of *files*, and how long each takes."""

    def __init__(self, files: Sequence[Path], found: Path) -> None:
        import coverage  # only where lines are measured

        self._found = found
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._measure = coverage.Coverage(data_file=None, include=[str(file) for file in files], config_file=False)
        self._measure.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        began, name = time.monotonic(), self.name(item)
        self._measure.switch_context(name)
        yield
        self._measure.switch_context("")
        self._seconds[name] += time.monotonic() - began

    def pytest_sessionfinish(self) -> None:
        self._measure.stop()
        data = self._measure.get_data()
        lines = {
            file: {line: [test for test in tests if test] for line, tests in data.contexts_by_lineno(file).items()}
            for file in data.measured_files()
        }
        self._found.write_text(json.dumps({"seconds": self._seconds, "lines": lines}))


def measured(asked: Sequence[str], files: Sequence[Path]) -> tuple[Tests, dict[str, Lined]]:
    """Return the tests with their seconds, and for each file and line the tests that run it."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found"
        code = in_fork(lambda: run(asked, SOURCES, [Measuring(files, found)]), 3600)
        if code:
            raise SystemExit(f"the tests must pass before they can judge (pytest ended with {code})")
        told = json.loads(found.read_text())
    seconds: Tests = {test: took for test, took in told["seconds"].items() if took <= SLOW_SECONDS}
    lines = {
        file: {line: [test for test in tests if test in seconds] for line, tests in by_line.items()}
        for file, by_line in told["lines"].items()
    }
    for test in told["seconds"].keys() - seconds:
        print(f"too slow to judge: {test}")
    return seconds, lines


class Judge(Collected):
    """
    Judges one change after another, once its pytest has collected the tests.

    Args:
        todo: Returns the next job, or None.
        done: Takes what became of it.

    """

    def __init__(self, seconds: Tests, todo: Callable[[], Job | None], done: Callable[[Judged], None]) -> None:
        self._seconds = seconds
        self._todo = todo
        self._done = done
        self._killers: Counter[str] = Counter()
        self._copy = Path(tempfile.mkdtemp(prefix="mutants-"))
        shutil.copytree(SOURCES, self._copy / "src", ignore=shutil.ignore_patterns("__pycache__"))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        while (job := self._todo()) is not None:
            file, change, tests = job
            end = self._quickly(session, file, change, tests)
            if end == "not swapped" and change is not None:
                end = self._surely(file, change, tests)
            self._done(Judged(str(file.relative_to(ROOT)), change, end))
        shutil.rmtree(self._copy)
        return True

    def _quickly(self, session: pytest.Session, file: Path, change: Change | None, tests: Sequence[str]) -> str:
        if not tests:
            return "no test runs it"
        killer = self._copy / "killer"
        killer.unlink(missing_ok=True)
        wanted = set(tests)
        items = [item for item in self.items if self.name(item) in wanted]
        items.sort(key=lambda item: self._order(self.name(item)))

        def judged() -> int:
            if change is not None and not swap(file, change.made(file.read_text(encoding="utf-8"))):
                return NOT_SWAPPED
            failing = first_failing(session, items)
            if failing is None:
                return 0
            killer.write_text(self.name(failing))
            return 1

        code = in_fork(judged, self._longest(tests))
        if killer.exists():
            self._killers[killer.read_text()] += 1
        return _end(code)

    def _surely(self, file: Path, change: Change, tests: Sequence[str]) -> str:
        source = file.read_text(encoding="utf-8")
        place = self._copy / "src" / file.relative_to(SOURCES)
        place.write_text(change.made(source), encoding="utf-8")
        words = [sys.executable, "-m", "tests.mutants.alone", str(self._copy / "src"), *sorted(tests, key=self._order)]
        try:
            code = in_fork(lambda: os.execv(sys.executable, words), self._longest(tests))
        finally:
            place.write_text(source, encoding="utf-8")
        return _end(code)

    def _order(self, test: str) -> tuple[bool, int, float]:
        """Quick ones first, and of them those that killed most."""
        return self._seconds[test] > QUICK_SECONDS, -self._killers[test], self._seconds[test]

    def _longest(self, tests: Sequence[str]) -> float:
        return WHILE_STARTING + TOO_LONG * sum(self._seconds[test] for test in tests)


def _end(code: int | None) -> str:
    if code is None:
        return "killed by time"
    # Where no test failed and pytest did, the change could not even be imported.
    return {0: "left", NOT_SWAPPED: "not swapped", BROKEN: "not judged"}.get(code, "killed")


def judgements(asked: Sequence[str], seconds: Tests, todo: Sequence[Job], workers: int) -> Iterator[Judged]:
    """Yield what became of each change, as it becomes known."""
    forking = multiprocessing.get_context("fork")
    waiting, done = forking.Queue(), forking.Queue()

    def judge() -> None:
        run(asked, SOURCES, [Judge(seconds, waiting.get, done.put)])

    processes = [forking.Process(target=judge) for _ in range(workers)]
    for process in processes:
        process.start()
    for job in (*todo, *[None] * workers):
        waiting.put(job)
    for _ in todo:
        yield done.get()
    for process in processes:
        process.join()


def jobs(files: Sequence[Path], lines: dict[str, Lined], only: str) -> Iterator[Job]:
    yield files[0], None, sorted({test for by_line in lines.values() for tests in by_line.values() for test in tests})
    for file in files:
        by_line = lines.get(str(file), {})
        whole = sorted({test for tests in by_line.values() for test in tests})
        for change in changes(file.read_text(encoding="utf-8")):
            mine = sorted({test for line in change.lines for test in by_line.get(str(line), ())})
            if only in ("", str(change.line)):
                yield file, change, mine or whole


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="files of src")
    parser.add_argument("--tests", nargs="+", default=list(ASKED), help="the tests that judge, with their files")
    parser.add_argument("--line", default="", help="only the changes of this line")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="only say what would be changed")
    asked = parser.parse_args()
    files = [file.resolve() for file in asked.files]
    if asked.list:
        for file in files:
            for change in changes(file.read_text(encoding="utf-8")):
                print(f"{file.relative_to(ROOT)}:{change}")
        return
    prepare()
    began = time.monotonic()
    seconds, lines = measured(asked.tests, files)
    todo = list(jobs(files, lines, asked.line))
    print(f"{len(seconds)} tests ran in {time.monotonic() - began:.0f} s; {len(todo) - 1} changes", flush=True)
    ends: Counter[tuple[str, str]] = Counter()
    for number, judged in enumerate(judgements(asked.tests, seconds, todo, asked.workers), 1):
        if judged.change is None:
            if judged.end != "left":
                raise SystemExit(f"the tests fail in a fork, though nothing was changed: {judged.end}")
            continue
        ends[judged.file, judged.end] += 1
        if not judged.end.startswith("killed"):
            print(f"{judged.end}: {judged.file}:{judged.change}", flush=True)
        if number % 50 == 0:
            print(f"  {number} of {len(todo)}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    for (file, end), count in sorted(ends.items()):
        print(f"{file}: {count} {end}")


if __name__ == "__main__":
    main()
