"""Programs that tests run as processes of their own."""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import IO, cast

_OPEN = """
import sys
from tests.stores.programs import open_at
from tests.stores.samples import NOW, done, notice

stores = open_at(sys.argv[1], lambda: NOW)
"""

CONTEND = (
    _OPEN
    + """
for number in map(int, sys.stdin):
    with stores.change(done(told=False)) as change:
        won = ["claim"] * change.generations.claim("s1", number, NOW)
    won += ["issue"] * stores.traces.issue("s1", number, number + 1)
    print(*(f"{what}{number}" for what in won), flush=True)
"""
)

REPORT = (
    _OPEN
    + """
number = int(sys.argv[2])
while True:
    with stores.change(done(subject_id=str(number))) as change:
        change.notices.add(notice(str(number)))
        change.also(done(subject_id=str(number), told=False))
    print(number, flush=True)
    number += 1
"""
)

OPEN = _OPEN + "print(len(stores.audit.page(0, 1)))"


def open_at(place, clock):
    """Return the stores at a path, or at PostgreSQL's URL."""
    from lingpai.stores.sql.postgres import open_postgres
    from lingpai.stores.sql.stores import open_sqlite

    return open_postgres(place, clock) if "://" in str(place) else open_sqlite(Path(place), clock)


class Program:
    """One of the above, running; it is told and tells lines."""

    def __init__(self, source: str, *words: object) -> None:
        command = [sys.executable, "-c", source, *map(str, words)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._in = cast("IO[str]", self._process.stdin)
        self._out = cast("IO[str]", self._process.stdout)

    def say(self, word: object) -> None:
        self._in.write(f"{word}\n")
        self._in.flush()

    def hear(self) -> str:
        return self._out.readline()

    def hear_many(self, number: int) -> list[str]:
        return [line.strip() for line in itertools.islice(self._out, number)]

    def end(self) -> list[str]:
        """Let it come to its end, and return what it still said."""
        return self._process.communicate()[0].split()

    def kill(self) -> list[str]:
        """Kill it at once, and return what it still said."""
        self._process.kill()
        return self.end()
