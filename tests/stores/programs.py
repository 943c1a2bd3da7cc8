"""Programs that tests run as processes of their own."""

_OPEN = """
import sys
from pathlib import Path
from lingpai.stores.sql.stores import open_sqlite
from tests.stores.samples import NOW, done, notice

stores = open_sqlite(Path(sys.argv[1]), lambda: NOW)
"""

CONTEND = (
    _OPEN
    + """
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    with stores.change(done(told=False)) as change:
        claimed = change.generations.claim("s1", number, NOW)
    if claimed:
        print(f"claim{number}")
    if stores.traces.issue("s1", number, number + 1):
        print(f"issue{number}")
"""
)

REPORT = (
    _OPEN
    + """
number = int(sys.argv[2])
while True:
    with stores.change(done(subject_id=str(number))) as change:
        change.notices.add(notice(str(number)))
        change.also(done(told=False))
    print(number, flush=True)
    number += 1
"""
)

OPEN = _OPEN + "print(len(stores.audit.page(0, 1)))"
