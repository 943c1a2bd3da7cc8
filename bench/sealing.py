"""Commits a second with and without the sealer, in turn, on one database: `python -m bench.sealing [URL]`."""

import secrets
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from lingpai.principals.chain import AUDIT
from lingpai.principals.keys import Keyring
from lingpai.principals.sealer import Sealer
from lingpai.stores.interfaces import Stores
from lingpai.stores.sql.stores import open_sqlite
from lingpai.vocabulary.clock import system_clock
from lingpai.vocabulary.events import Event

ROUNDS = 7
SECONDS = 4.0
WRITERS = 4


def commits_a_second(stores: Stores) -> float:
    """Return how many changes, each of one audit row and one feed entry, some threads make in a second."""
    until, counts = time.monotonic() + SECONDS, [0] * WRITERS

    def write(which: int) -> None:
        while time.monotonic() < until:
            with stores.change(Event("bench:done", "user", "1")):
                pass
            counts[which] += 1

    threads = [threading.Thread(target=write, args=(which,)) for which in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def sealing(stores: Stores) -> None:
    """Print the medians and their ratio."""
    keys = Keyring(stores, bytes(32), system_clock, secrets.token_bytes)
    keys.prepare(AUDIT)
    ratios, without, within = [], [], []
    for number in range(ROUNDS):
        plain = commits_a_second(stores)
        Sealer(stores, keys, system_clock).seal_all()
        sealer = Sealer(stores, keys, system_clock)
        sealer.start()
        sealed = commits_a_second(stores)
        sealer.stop()
        sealer.seal_all()
        without.append(plain)
        within.append(sealed)
        ratios.append(sealed / plain)
        print(f"round {number + 1}: {plain:.0f} without, {sealed:.0f} with, ratio {sealed / plain:.3f}", flush=True)
    print(f"medians: {statistics.median(without):.0f} and {statistics.median(within):.0f} commits a second, ", end="")
    print(f"ratio {statistics.median(ratios):.3f}")


def main() -> None:
    """Measure on PostgreSQL where a URL is given, else on an SQLite file."""
    if len(sys.argv) > 1:
        from lingpai.stores.sql.postgres import open_postgres

        sealing(open_postgres(sys.argv[1], system_clock))
        return
    with tempfile.TemporaryDirectory() as folder:
        sealing(open_sqlite(Path(folder) / "lingpai.db", system_clock))


if __name__ == "__main__":
    main()
