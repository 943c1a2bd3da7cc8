"""
Whether tests fail on a changed file: the quick way and the sure one, each in a fork.

The quick way forks a pytest that has collected its tests, and gives the functions there the changed code. What is in no
function, or in one that is made while another runs, is judged the sure way: by a pytest of its own on a copy of the
sources.
"""

import importlib
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src"

KNOWN_BEFORE = (
    "alembic",
    "argon2",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cyclopts",
    "hypothesis",
    "jsonschema",
    "lxml.etree",
    "msgspec",
    "multipart",
    "openapi_spec_validator",
    "psycopg",
    "pydantic_settings",
    "sqlalchemy.dialects.sqlite",
    "starlette.applications",
    "valkey",
)
"""What is imported once, before the forks: whatever of it is here. Nothing of ours."""

COMMON = (
    *("-q", "-p", "no:cacheprovider", "--no-header", "--tb=no", "--timeout=60"),
    # Of the plugins among what is imported before pytest.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)

FEW = 50
"""As many cases of a test are told apart; of more, whoever runs one runs all."""

BROKEN = 99
"""The exit code of a fork that could not even ask pytest."""

WHILE_STARTING = 20
TOO_LONG = 5
"""A change may keep the tests for so many seconds, and so many times as long as they take without it."""

Tests = dict[str, float]
"""Tests by name (a node id, for those of many cases without its parameters), and the seconds that each takes."""


def prepare() -> None:
    for name in KNOWN_BEFORE:
        with suppress(ImportError):
            importlib.import_module(name)
    if "lingpai" in sys.modules:
        raise RuntimeError("lingpai was imported before the forks: they would all judge the same one")


def in_fork(work: Callable[[], int], seconds: float) -> int | None:
    """Return what *work* returns in a process of its own and its group; None when it takes longer than *seconds*."""
    child = os.fork()
    if child == 0:
        code, said = BROKEN, os.dup(2)
        try:
            os.setpgid(0, 0)
            code = work()
        except Exception:  # noqa: BLE001 - whatever it is, it is told
            os.write(said, traceback.format_exc().encode())
        finally:
            os._exit(code)
    with suppress(OSError):
        os.setpgid(child, child)
    end = time.monotonic() + seconds
    status: int | None = None
    while status is None and time.monotonic() < end:
        waited, told = os.waitpid(child, os.WNOHANG)
        if waited:
            status = os.waitstatus_to_exitcode(told)
        else:
            time.sleep(0.01)
    # Servers that a test started, and was not there to end, too.
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if status is None:
        os.waitpid(child, 0)
    return status


def run(arguments: Sequence[str], source: Path, plugins: Sequence[object]) -> int:
    """Run pytest with *arguments* on the lingpai in *source*, silently; return its exit code."""
    sys.path.insert(0, str(source))
    os.environ["PYTHONPATH"] = str(source)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    os.chdir(ROOT)
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(quiet, number)
    import lingpai

    if not str(lingpai.__file__).startswith(str(source)):
        raise RuntimeError(f"{lingpai.__file__} is not what was to be judged, in {source}")
    return int(pytest.main([*COMMON, *arguments], list(plugins)))


class Collected:
    """The tests that a pytest has collected, by their names; for whoever is given control instead of its loop."""

    items: Sequence[pytest.Item]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items

    @cached_property
    def _many(self) -> Counter[str]:
        return Counter(item.nodeid.partition("[")[0] for item in self.items)

    def name(self, item: pytest.Item) -> str:
        name = item.nodeid.partition("[")[0]
        return item.nodeid if self._many[name] <= FEW else name


class Failures:
    """Hears whether a test failed."""

    def __init__(self) -> None:
        self.failed = False

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed = self.failed or report.failed


def first_failing(session: pytest.Session, items: Sequence[pytest.Item]) -> pytest.Item | None:
    """Run *items* in their order, and return the first that fails."""
    failures = Failures()
    session.config.pluginmanager.register(failures)
    for item, after in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if failures.failed:
            return item
    return None


def swap(file: Path, changed: str) -> bool:
    """Give the functions of *file* the code of the *changed* source; return whether any differs."""
    name = ".".join(file.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
    module = importlib.import_module(name)
    before = _codes(compile(file.read_text(encoding="utf-8"), str(file), "exec"))
    after = _codes(compile(changed, str(file), "exec"))
    swapped = False
    for function in _functions(vars(module).values(), name):
        code = after.get(function.__code__.co_qualname)
        if code is not None and code != before.get(function.__code__.co_qualname):
            try:
                function.__code__ = code
            except ValueError:  # it closes over other variables
                continue
            swapped = True
    return swapped


def _codes(code: CodeType) -> dict[str, CodeType]:
    found: dict[str, CodeType] = {}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= {constant.co_qualname: constant, **_codes(constant)}
    return found


def _functions(values: Any, module: str) -> Iterator[FunctionType]:
    for value in list(values):
        inner = getattr(value, "__wrapped__", None) or getattr(value, "__func__", None) or getattr(value, "func", value)
        if isinstance(value, property):
            inner = value.fget
        if isinstance(inner, FunctionType) and inner.__module__ == module:
            yield inner
        elif isinstance(value, type) and value.__module__ == module:
            yield from _functions(vars(value).values(), module)
