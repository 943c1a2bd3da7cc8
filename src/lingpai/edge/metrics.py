"""
What operators measure, summed over the workers of one data folder.

Each worker writes what it counted to a small file of its own once a second; whoever is asked reads all of them. A
worker that died keeps its counters counted and loses its gauges: whether it lives is told by a lock that the system
holds for it, so no number of a process that came back is mistaken for it.
"""

import contextlib
import fcntl
import json
import logging
import os
import secrets
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from lingpai.edge.tally import BOUNDS, BUCKETS, Tally
from lingpai.principals.rounds import Rounds

LOG = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
"""So often a worker writes its file."""

GONE = "gone"
"""The file that dead workers' counters are added to."""

MOST_LABELS = 2000
"""So many combinations of labels one family tells; what is beyond is told as "other"."""

Kind = Literal["counter", "sum", "most"]
"""Counters are added up for ever; of gauges the living workers' are added up, or the largest counts."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: what it is, and what parts it."""

    kind: Kind
    about: str
    labels: tuple[str, ...] = ()


FAMILIES: Mapping[str, Family] = {
    "lingpai_calls": Family("counter", "Calls of contracts, by how they ended", ("contract", "outcome", "source")),
    "lingpai_forwarded": Family(
        "counter", "Requests to other services that proxies asked about", ("contract", "service", "outcome")
    ),
    "lingpai_hooks": Family("counter", "Requests to the hooks of modules, by the answer", ("hook", "status")),
    "lingpai_refusals_unlogged": Family("counter", "Refused calls of which the log holds no line"),
    "lingpai_changes": Family("counter", "Changes as the audit trail names them, counted when sealed", ("kind",)),
    "lingpai_weak_forms": Family("counter", "Uses of weak forms", ("client", "contract", "form")),
    "lingpai_hashing_shed": Family("counter", "Sign-ins sent away because too many wait to be hashed"),
    "lingpai_workers": Family("sum", "Workers that live"),
    "lingpai_remembered_sessions": Family("sum", "Sessions that workers remember"),
    "lingpai_threads_busy": Family("sum", "Threads that serve calls from the database now"),
    "lingpai_threads_waiting": Family("sum", "Calls that wait for such a thread"),
    "lingpai_hashing_inside": Family("sum", "Passwords that are being hashed or wait for it"),
    "lingpai_sightings_waiting": Family("sum", "Uses of sessions that are not written yet"),
    "lingpai_lease_age_seconds": Family("most", "Since when a worker's place in the change feed is unconfirmed"),
    "lingpai_audit_unsealed_seconds": Family("most", "Age of the oldest audit row that waits for its seal"),
    "lingpai_clock_behind_seconds": Family("most", "How far a machine's clock is behind the latest time seen"),
}
"""Every metric but the histogram of durations."""

Values = Mapping[str, Mapping[tuple[str, ...], float]]
"""What a worker counted or measures, by family and labels."""


@dataclass(slots=True)
class _Sum:
    values: dict[str, Counter[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(Counter))
    rows: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, told: Mapping[str, Any], *, lives: bool) -> None:
        for name, *labels, value in told["values"]:
            family = FAMILIES.get(name)
            if family is None or not (lives or family.kind == "counter"):
                continue
            of = self.values[name]
            key = tuple(labels)
            if key not in of and len(of) >= MOST_LABELS:
                key = ("other",) * len(labels)
            of[key] = max(of[key], value) if family.kind == "most" else of[key] + value
        for source, contract, *row in told["rows"]:
            kept = self.rows.setdefault((source, contract), [0] * (BUCKETS + 1))
            self.rows[source, contract] = [a + b for a, b in zip(kept, row, strict=True)]

    def told(self) -> dict[str, Any]:
        return {
            "values": [[name, *labels, value] for name, of in self.values.items() for labels, value in of.items()],
            "rows": [[*key, *row] for key, row in self.rows.items()],
        }


class Board:
    """
    A worker's file, and everybody's.

    Args:
        folder: Where the files are; made where it is missing.
        tally: What was counted of calls.
        values: What else is counted or measured now.

    """

    def __init__(self, folder: Path, tally: Tally, values: Callable[[], Values]) -> None:
        self._folder = folder
        self._tally = tally
        self._values = values
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._alive: IO[bytes] | None = None
        self._writing = threading.Lock()
        self._failed = False
        self._rounds = Rounds("metrics", self.flush, FLUSH_SECONDS, "metrics are not written", LOG)

    def start(self) -> None:
        """Say that this worker lives, add up what dead ones left, and write every second until `stop`."""
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with _locked(self._folder, exclusive=True):
                self._alive = _locked_file(self._folder / f"{self._name}.alive")
                self._fold()
        self.flush()
        self._rounds.start()

    def stop(self) -> None:
        """End the thread, and write once more: counters outlive their worker."""
        if self._rounds.stop():
            self.flush()
        if self._alive is not None:
            self._alive.close()

    def flush(self) -> None:
        """Write this worker's file now; what cannot be written is said once."""
        try:
            with self._writing:
                # Whoever is not known to live is added up as dead, and what it writes later would be counted again.
                self._alive = self._alive or _locked_file(self._folder / f"{self._name}.alive")
                _replace(self._folder / f"{self._name}.json", self._own())
            self._failed = False
        except OSError as trouble:
            if not self._failed:
                LOG.warning("metrics are not written: %s", trouble.strerror)
            self._failed = True

    def page(self, version: str) -> bytes:
        """Return what all workers counted, this one's until now, as Prometheus reads it."""
        # A tenth of a second that only whoever is measured needs.
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        whole = self._whole()
        families: list[Any] = []
        for name, family in FAMILIES.items():
            make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            made = make(name, family.about, labels=family.labels)
            for labels, value in sorted(whole.values.get(name, {}).items()):
                made.add_metric(labels, value)
            families.append(made)
        seconds = HistogramMetricFamily(
            "lingpai_call_seconds", "How long we took to answer calls of contracts", labels=("contract", "source")
        )
        for (source, contract), row in sorted(whole.rows.items()):
            seconds.add_metric((contract, source), _buckets(row), row[BUCKETS] / 1e9)
        built = GaugeMetricFamily("lingpai_build_info", "What runs here", labels=("version",))
        built.add_metric((version,), 1)

        class Collector:
            def collect(self) -> Sequence[Any]:
                return [*families, seconds, built]

        registry = CollectorRegistry()
        registry.register(Collector())
        return generate_latest(registry)

    def _own(self) -> dict[str, Any]:
        whole = _Sum()
        rows = self._tally.rows()
        for source, of_source in rows.items():
            whole.rows |= {(source, name): list(row) for name, row in of_source.items()}
        refused: Counter[tuple[str, str]] = Counter()
        calls = whole.values["lingpai_calls"]
        for (contract, source, end), count in list(self._tally.refused.items()):
            calls[contract, end, source] += count
            refused[source, contract] += count
        for (origin, contract), row in whole.rows.items():
            calls[contract, "OK", origin] = max(0, sum(row[:BUCKETS]) - refused[origin, contract])
        whole.values["lingpai_forwarded"].update({(*key,): count for key, count in list(self._tally.forwarded.items())})
        whole.values["lingpai_hooks"].update({(*key,): count for key, count in list(self._tally.hooks.items())})
        for name, of in self._values().items():
            for labels, value in of.items():
                whole.values[name][labels] = value  # type: ignore[assignment]
        whole.values["lingpai_workers"][()] = 1
        return whole.told()

    def _whole(self) -> _Sum:
        whole = _Sum()
        whole.add(self._own(), lives=True)
        with suppress(OSError), _locked(self._folder, exclusive=False):
            gone = _read(self._folder / f"{GONE}.json")
            if gone:
                whole.add(gone, lives=False)
            for path in self._files(gone):
                told = _read(path)
                if told and path.stem != self._name:
                    whole.add(told, lives=_lives(path))
        return whole

    def _fold(self) -> None:
        """Add the counters of dead workers to one file, and delete theirs. Told twice is counted once."""
        gone = _read(self._folder / f"{GONE}.json")
        whole = _Sum()
        if gone:
            whole.add(gone, lives=False)
        dead = [path for path in self._files(gone) if not _lives(path)]
        for path in dead:
            if told := _read(path):
                whole.add(told, lives=False)
        if dead:
            _replace(self._folder / f"{GONE}.json", {**whole.told(), "folded": [path.stem for path in dead]})
        for path in [*dead, *(self._folder / f"{name}.json" for name in (gone or {}).get("folded", ()))]:
            path.unlink(missing_ok=True)
            path.with_suffix(".alive").unlink(missing_ok=True)

    def _files(self, gone: Mapping[str, Any] | None) -> list[Path]:
        folded = set((gone or {}).get("folded", ()))
        return [path for path in self._folder.glob("*-*.json") if path.stem not in folded]


def _buckets(row: Sequence[int]) -> list[tuple[str, float]]:
    """Return the histogram's buckets, each with all calls that were no slower."""
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), row[:BUCKETS], strict=True):
        total += count
        buckets.append((bound, total))
    return buckets


def _locked_file(path: Path) -> IO[bytes]:
    file = path.open("ab")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _lives(path: Path) -> bool:
    """Return whether the worker that wrote the file at *path* lives: then it holds its lock."""
    try:
        with path.with_suffix(".alive").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def count_apart(folder: Path, values: Values) -> None:
    """
    Add the counters among *values*, of a process that is no worker, to those of dead workers.

    Where no worker has been yet there is no *folder*, and nothing is kept: nobody has asked either.
    """
    with suppress(OSError), _locked(folder, exclusive=True):
        gone = _read(folder / f"{GONE}.json") or {"values": [], "rows": [], "folded": []}
        whole = _Sum()
        whole.add(gone, lives=False)
        rows = [[name, *labels, value] for name, of in values.items() for labels, value in of.items()]
        whole.add({"values": rows, "rows": []}, lives=False)
        _replace(folder / f"{GONE}.json", {**whole.told(), "folded": gone["folded"]})


@contextmanager
def _locked(folder: Path, *, exclusive: bool) -> Iterator[None]:
    with (folder / "lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield


def living_workers(folder: Path) -> int:
    """Return how many workers of the data folder whose figures are in *folder* live: those that said so there."""
    return sum(map(_lives, folder.glob("*-*.alive")))


def _replace(path: Path, told: Mapping[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(told), encoding="utf-8")
    fresh.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    with contextlib.suppress(OSError, ValueError):
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return told
    return None
