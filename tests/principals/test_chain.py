"""The audit chain: sealed by one at a time, and every change by whoever has the database alone is found and named."""

from dataclasses import replace

import pytest

from lingpai.principals import sealer, verifying
from lingpai.principals.chain import AUDIT, BEGINNING, canonical, link
from lingpai.principals.keys import Keyring
from lingpai.principals.sealer import BATCH, FINISH_SECONDS, HEAD_SECONDS, MOST_LOST, Sealer
from lingpai.principals.verifying import MOST_FAULTS, Fault, verify
from lingpai.stores.memory import Held, Memory, Rows
from lingpai.vocabulary.events import AuditRow, Event

NOW = 1_767_225_600_000
ROWS = 8


class Archive:
    """Stores with a sealed trail, whose tables an attacker can write."""

    def __init__(self, rows=ROWS):
        self.now = NOW
        self.ticks = 100.0
        self.held = Held(Rows())
        self.stores = Memory(lambda: self.now, self.held)
        self.keys = Keyring(self.stores, bytes(32), lambda: self.now, lambda size: bytes(range(size)))
        self.keys.prepare(AUDIT)
        self.sealer = self.another_sealer()
        self.write(rows - 1)
        self.sealer.seal_all()

    def another_sealer(self):
        return Sealer(self.stores, self.keys, lambda: self.now, lambda: self.ticks)

    def write(self, count, kind="user:changed"):
        for number in range(count):
            with self.stores.change(Event(kind, "user", str(number), "operator", {"名": "值", "n": number})):
                pass

    @property
    def rows(self):
        return self.held.rows.audit

    @property
    def seals(self):
        return self.held.rows.seals

    def faults(self, **how):
        self.now += 10_000
        return verify(self.stores, self.keys, lambda: self.now, **how).faults

    def head(self):
        last = self.seals[max(self.seals)]
        return {last.position: last.hash}


@pytest.fixture
def archive():
    return Archive()


def test_the_canonical_text_is_fixed():
    row = AuditRow(7, NOW, "user:added", "user", "12", "operator", {"name": "美", "b": None, "a": 1})

    assert canonical(3, row).decode() == (
        '[3,7,1767225600000,"user:added","user","12","operator",{"a":1,"b":null,"name":"美"}]'
    )
    assert link(b"k" * 32, BEGINNING, 3, row).hex() == link(b"k" * 32, BEGINNING, 3, replace(row)).hex()
    assert link(b"k" * 32, BEGINNING, 3, row) != link(b"k" * 32, BEGINNING, 4, row)
    assert link(b"k" * 32, BEGINNING, 3, row) != link(b"k" * 32, bytes(31) + b"\1", 3, row)


def test_an_untouched_trail_is_whole(archive):
    report = verify(archive.stores, archive.keys, lambda: NOW, heads=archive.head())

    assert (report.faults, report.checked, report.head) == ([], ROWS, archive.seals[ROWS])


@pytest.mark.parametrize(
    "changed",
    [
        {"at": NOW + 1},
        {"kind": "user:added"},
        {"subject": "client"},
        {"subject_id": "13"},
        {"actor": "user:1"},
        {"detail": {"名": "值", "n": 99}},
        {"detail": {}},
    ],
    ids=str,
)
def test_a_row_that_was_changed_is_named(archive, changed):
    archive.rows[4] = replace(archive.rows[4], **changed)

    assert archive.faults() == [Fault("row-changed", 4, 4)]


def test_a_last_row_that_was_changed_is_named(archive):
    archive.rows[ROWS] = replace(archive.rows[ROWS], actor="nobody")

    assert archive.faults() == [Fault("row-changed", ROWS, ROWS)]


def test_a_row_that_was_deleted_is_named(archive):
    del archive.rows[4]

    assert archive.faults() == [Fault("row-missing", 4, 4)]


def test_a_row_that_was_deleted_with_its_seal_is_named(archive):
    del archive.rows[4], archive.seals[4]

    assert archive.faults() == [Fault("seals-missing", 4, other=4)]


def test_a_row_that_was_deleted_and_the_seals_moved_up_is_seen(archive):
    del archive.rows[4]
    for position in range(4, ROWS):
        archive.seals[position] = replace(archive.seals[position + 1], position=position)
    del archive.seals[ROWS]

    assert archive.faults()[0].position == 4


def test_a_row_that_was_put_in_is_named(archive):
    archive.rows[ROWS + 1] = replace(archive.rows[4], number=ROWS + 1)

    assert archive.faults() == [Fault("row-unsealed", number=ROWS + 1)]


def test_a_row_that_was_put_in_with_a_seal_of_its_own_is_named(archive):
    archive.rows[50] = replace(archive.rows[4], number=50)
    forged = link(b"another key that is 32 bytes long", archive.seals[ROWS].hash, ROWS + 1, archive.rows[50])
    archive.seals[ROWS + 1] = replace(archive.seals[ROWS], position=ROWS + 1, number=50, hash=forged)

    assert archive.faults() == [Fault("row-changed", ROWS + 1, 50)]


def test_an_old_row_that_was_put_in_and_sealed_by_the_server_is_named(archive):
    archive.now += 3_600_000
    archive.write(1)
    archive.sealer.seal_all()
    archive.rows[50] = replace(archive.rows[4], number=50)
    archive.sealer.seal_all()

    assert archive.faults() == [Fault("row-backdated", ROWS + 2, 50)]


def test_a_clock_that_an_operator_sets_back_makes_no_fault(archive):
    archive.now += 3_600_000
    archive.write(1)
    archive.now -= 3_600_000
    archive.write(1, "clock:trusted")
    archive.write(2)
    archive.sealer.seal_all()

    assert archive.faults() == []


def test_rows_that_changed_places_are_named(archive):
    three, four = archive.rows[3], archive.rows[4]
    archive.seals[3] = replace(archive.seals[3], number=4)
    archive.seals[4] = replace(archive.seals[4], number=3)

    assert archive.faults() == [Fault("row-moved", 3, 4, 4), Fault("row-moved", 4, 3, 3)]
    assert (three, four) == (archive.rows[3], archive.rows[4])


def test_a_seal_that_was_changed_is_named_and_not_its_row(archive):
    archive.seals[4] = replace(archive.seals[4], hash=bytes(32))

    assert archive.faults() == [Fault("seal-changed", 4, 4)]


def test_a_chain_that_was_made_anew_under_another_key_is_no_chain(archive):
    before = BEGINNING
    for position, seal in archive.seals.items():
        before = link(b"another key that is 32 bytes long", before, position, archive.rows[seal.number])
        archive.seals[position] = replace(seal, hash=before)

    assert [fault.position for fault in archive.faults()] == list(range(1, ROWS + 1))


def test_a_key_that_nobody_knows_is_named(archive):
    archive.seals[4] = replace(archive.seals[4], key_id=99)

    assert archive.faults() == [Fault("key-unknown", 4, 4)]


def test_a_tail_that_was_cut_off_is_seen_by_a_copy_of_the_head_alone(archive):
    heads = archive.head()
    for number in (ROWS - 1, ROWS):
        del archive.rows[number], archive.seals[number]

    assert archive.faults() == []
    assert archive.faults(heads=heads) == [Fault("tail-cut", ROWS, other=ROWS - 2)]


@pytest.mark.parametrize("grown", [2, 4])
def test_a_tail_that_was_cut_off_and_grew_again_is_seen_by_a_copy_of_the_head(archive, grown):
    heads = archive.head()
    for number in (ROWS - 1, ROWS):
        del archive.rows[number], archive.seals[number]
    archive.write(grown)
    archive.another_sealer().seal_all()

    assert archive.faults() == []
    assert archive.faults(heads=heads) == [Fault("head-differs", ROWS, ROWS)]


def test_a_running_sealer_says_that_the_chain_was_cut(archive, caplog):
    archive.write(1)
    archive.sealer._round()
    del archive.rows[ROWS + 1], archive.seals[ROWS + 1]
    archive.sealer._round()

    assert "the audit chain was cut" in caplog.text


def test_from_a_position_what_is_before_it_is_believed(archive):
    archive.rows[2] = replace(archive.rows[2], actor="nobody")

    assert archive.faults(first=3) == []
    assert archive.faults(first=2) == [Fault("row-changed", 2, 2)]
    report = verify(archive.stores, archive.keys, lambda: NOW, first=3)
    assert report.checked == ROWS - 2


def test_a_young_row_may_wait_and_an_older_one_may_not(archive):
    archive.write(1)

    report = verify(archive.stores, archive.keys, lambda: archive.now + 1999)
    assert (report.faults, report.waiting) == ([], 1)
    report = verify(archive.stores, archive.keys, lambda: archive.now + 2000)
    assert (report.faults, report.waiting) == ([Fault("row-unsealed", number=ROWS + 1)], 0)


def test_more_faults_than_anybody_reads_end_the_search():
    archive = Archive(5 * MOST_FAULTS)
    for number in [*archive.rows]:
        archive.rows[number] = replace(archive.rows[number], actor="nobody")

    assert len(archive.faults()) == MOST_FAULTS


def test_what_appears_late_under_a_lower_number_is_sealed_too(archive):
    late = archive.rows.pop(4)
    archive.seals.clear()
    archive.sealer = archive.another_sealer()
    archive.sealer.seal_all()
    assert [seal.number for seal in archive.seals.values()] == [1, 2, 3, 5, 6, 7, 8]
    archive.rows[4] = late

    archive.sealer.seal_all()

    assert archive.seals[ROWS].number == 4
    assert archive.faults() == []


def test_what_appears_after_all_thought_it_settled_is_sealed_in_the_end(archive):
    late = archive.rows.pop(4)
    archive.seals.clear()
    archive.sealer = archive.another_sealer()
    archive.sealer.seal_all()
    for _ in range(3):
        archive.ticks += 100
        archive.sealer.seal()
    archive.rows[4] = late

    for _ in range(5):
        archive.write(1)
        archive.sealer._round()

    assert 4 in {seal.number for seal in archive.seals.values()}


def test_more_than_a_batch_is_sealed_in_batches():
    archive = Archive(BATCH * 2 + 10)

    assert archive.faults() == []
    assert len(archive.seals) == BATCH * 2 + 10


def test_who_sees_another_seal_leaves_it_to_them_until_they_stop(archive):
    mine, theirs = archive.sealer, archive.another_sealer()
    theirs._round()
    archive.write(1)
    mine._round()
    archive.write(1)

    theirs._round()
    assert max(archive.seals) == ROWS + 1
    theirs._round()
    assert max(archive.seals) == ROWS + 2


@pytest.mark.parametrize("noticed", [True, False])
def test_who_stops_seals_all_that_is_left_though_another_sealed_last(archive, monkeypatch, noticed):
    monkeypatch.setattr(sealer, "ROUND_SECONDS", 3600)
    mine = archive.another_sealer()
    mine.seal()
    mine.start()
    archive.write(1)
    archive.another_sealer().seal_all()
    if noticed:
        mine._round()
    archive.write(BATCH + 1)
    mine.stop()

    assert max(archive.seals) == ROWS + 1 + BATCH + 1
    assert archive.faults() == []


@pytest.mark.parametrize("noticed", [True, False])
@pytest.mark.parametrize("ours", [True, False])
def test_who_stops_logs_the_end_of_the_chain_where_it_is_its_own(archive, monkeypatch, caplog, ours, noticed):
    monkeypatch.setattr(sealer, "ROUND_SECONDS", 3600)
    mine = archive.another_sealer()
    mine.seal()
    mine.start()
    archive.write(1)
    (mine if ours else archive.another_sealer()).seal_all()
    if noticed:
        mine._round()
    caplog.clear()
    caplog.set_level("INFO")
    mine.stop()

    end = f"audit head: {ROWS + 1} {archive.seals[ROWS + 1].hash.hex()}"
    assert caplog.messages == ([end] if ours else [])


def test_who_stops_says_that_the_chain_was_cut_a_moment_ago(archive, monkeypatch, caplog):
    monkeypatch.setattr(sealer, "ROUND_SECONDS", 3600)
    mine = archive.another_sealer()
    mine.seal()
    mine.start()
    del archive.seals[ROWS], archive.seals[ROWS - 1]
    mine.stop()

    assert any(message.startswith("the audit chain was cut or replaced") for message in caplog.messages)


def test_who_stops_leaves_a_long_backlog_to_the_next_after_a_while(archive):
    archive.write(3 * BATCH)

    def ticks():
        archive.ticks += FINISH_SECONDS / 2
        return archive.ticks

    Sealer(archive.stores, archive.keys, lambda: archive.now, ticks)._finish()

    assert 0 < len(archive.rows) - len(archive.seals) < 3 * BATCH


class Overtaken(Keyring):
    """Keys whose holder is overtaken by another sealer, each time that it is about to seal, *times* times."""

    def __init__(self, archive, times):
        super().__init__(archive.stores, bytes(32), lambda: archive.now, lambda size: bytes(range(size)))
        self.archive, self.times, self.lost = archive, times, 0

    def current(self, purpose):
        if self.lost < self.times:
            self.lost += 1
            self.archive.another_sealer().seal_all()
            self.archive.write(1)
        return super().current(purpose)


@pytest.mark.parametrize(("times", "left"), [(3, 0), (MOST_LOST + 5, 1)])
def test_who_stops_and_is_overtaken_looks_anew_and_not_for_ever(archive, times, left):
    keys = Overtaken(archive, times)
    keys.prepare(AUDIT)
    archive.write(1)
    Sealer(archive.stores, keys, lambda: archive.now, lambda: archive.ticks)._finish()

    assert keys.lost == min(times, MOST_LOST)
    assert len(archive.rows) - len(archive.seals) == left


def test_a_sealer_that_was_slower_writes_nothing(archive):
    archive.write(3)
    mine, stores = archive.sealer, archive.stores
    head = stores.seals.head()
    _, rows = mine._unsealed(head)
    archive.another_sealer().seal_all()

    assert stores.seals.add(mine._chained(head, rows)) is False
    assert archive.faults() == []


def test_the_head_is_logged_once_an_hour(archive, caplog):
    caplog.set_level("INFO")
    for _ in range(3):
        archive.write(1)
        archive.sealer._round()
    assert caplog.text.count("audit head: ") == 1
    archive.ticks += 3600
    archive.sealer._round()

    assert caplog.text.count("audit head: ") == 2
    head = archive.seals[max(archive.seals)]
    assert f"audit head: {head.position} {head.hash.hex()}" in caplog.text


def test_kinds_are_counted_as_they_are_sealed(archive):
    archive.write(2, "session:opened")
    archive.sealer.seal_all()

    assert archive.sealer.kinds == {"key:added": 1, "user:changed": ROWS - 1, "session:opened": 2}


def test_a_round_seals_all_that_waits_however_much_that_is(archive):
    archive.write(BATCH + 10)
    archive.sealer._round()

    assert archive.sealer.waiting_seconds() == 0
    assert len(archive.seals) == ROWS + BATCH + 10


def test_a_trail_that_was_emptied_is_told_of_and_has_no_end_to_log(archive, caplog):
    caplog.set_level("INFO")
    archive.write(1)
    archive.sealer._round()
    end = archive.seals[ROWS + 1].hash.hex()
    archive.rows.clear()
    archive.seals.clear()
    archive.ticks += HEAD_SECONDS
    caplog.clear()
    archive.sealer._round()

    assert caplog.messages == [f"the audit chain was cut or replaced: its end was {ROWS + 1} {end}, and now is at 0"]


def test_a_trail_that_is_cut_while_it_is_verified_has_lost_its_end(archive, monkeypatch):
    monkeypatch.setattr(verifying, "BATCH", 3)

    def cut(done, _all):
        for number in range(5, ROWS + 1):
            archive.seals.pop(number, None)
            archive.rows.pop(number, None)

    assert archive.faults(went=cut) == [Fault("tail-cut", ROWS, other=4)]
    assert archive.faults() == []


def test_more_rows_unsealed_than_anybody_reads_end_the_search(archive):
    archive.write(2 * MOST_FAULTS)

    assert archive.faults() == [Fault("row-unsealed", number=ROWS + 1 + number) for number in range(MOST_FAULTS)]
