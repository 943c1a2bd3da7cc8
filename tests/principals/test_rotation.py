"""A key is rotated and nobody is refused: two workers, whose rings hear of it when the test says so."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from lingpai.edge.schemes.jwt import read_signed, write_jwt
from lingpai.operations.drop_keys import DropKeys
from lingpai.principals.chain import AUDIT
from lingpai.principals.client_secrets import with_secret
from lingpai.principals.keys import (
    ANNOUNCED_SECONDS,
    DATA,
    PEPPER,
    REREAD_SECONDS,
    SKEWED_SECONDS,
    Keyring,
    KeyTrouble,
    found_by_digest,
)
from lingpai.principals.retiring import MARGIN_SECONDS, OTHER_SECONDS, Retiring
from lingpai.stores.memory import Memory
from lingpai.vocabulary.events import Event, FeedEntry
from lingpai.vocabulary.outcomes import NotRemembered, Outcome, Refused
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.values import Client
from tests.principals.conftest import NOW, Ticks, Town

PURPOSE = "oppmg.pair"
HOUR = 3_600_000


class Counting:
    """Stores that count how often keys are read."""

    def __init__(self, stores):
        self._stores = stores
        self.asked = 0

    def __getattr__(self, name):
        return getattr(self._stores, name)

    @property
    def keys(self):
        self.asked += 1
        return self._stores.keys


class Counted(Keyring):
    """A ring that knows how often it has read keys."""

    read: Counting


@dataclass
class World:
    """Memory stores under a clock, a clock that never goes back, and as many rings as are wanted."""

    town: Town = field(default_factory=Town)
    master: list = field(default_factory=lambda: [bytes(32)])

    @property
    def stores(self) -> Memory:
        return self.town.stores

    @property
    def ticks(self) -> Ticks:
        return self.town.ticks

    def wait(self, seconds):
        self.town.now += round(seconds * 1000)
        self.ticks.now += seconds

    def ring(self, *purposes, ahead=0, master=None):
        masters = master if master is not None else self.master
        stores = Counting(self.stores)
        ring = Counted(stores, lambda: tuple(masters), lambda: self.town.now + ahead, bytes, self.ticks)
        for purpose in purposes or (PURPOSE, PEPPER, DATA):
            ring.prepare(purpose)
        ring.read = stores
        return ring

    def rotate(self, ring, purpose=PURPOSE):
        with self.stores.change(Event("key:rotated", "keys", purpose)) as change:
            change.keys.lock(purpose)
            ring.add(change.keys, purpose)
        ring.prepare(purpose)

    def hear(self, *rings, purpose=PURPOSE):
        for ring in rings:
            ring.hear([FeedEntry(1, "keys", purpose)])


@pytest.fixture
def world():
    return World()


def signed(ring):
    return write_jwt({"exp": 1}, ring.current(PURPOSE).value)


# Which key is used, and when.


def test_a_new_key_is_accepted_at_once_and_used_two_seconds_later(world):
    here, there = world.ring(), world.ring()
    old = here.current(PURPOSE)
    world.rotate(here)
    world.hear(there)

    for _ in range(2):
        assert here.current(PURPOSE) == there.current(PURPOSE) == old
        assert len(there.accepted(PURPOSE)) == 2
        world.wait(ANNOUNCED_SECONDS / 2 - 0.01)
        here.hear([])
        there.hear([])
    world.wait(0.03)
    assert here.settle()
    assert there.settle()

    assert here.current(PURPOSE).id == there.current(PURPOSE).id > old.id
    assert [key.id for key in here.accepted(PURPOSE)] == [here.current(PURPOSE).id, old.id]


def test_a_node_whose_clock_is_ahead_uses_a_new_key_no_earlier(world):
    here, ahead = world.ring(), world.ring(ahead=30_000)
    world.rotate(here)
    world.hear(ahead)

    assert not ahead.settle()
    assert ahead.current(PURPOSE) == here.current(PURPOSE)
    just_started = world.ring(ahead=30_000)
    assert just_started.current(PURPOSE).id == here.current(PURPOSE).id
    world.wait(ANNOUNCED_SECONDS)
    assert ahead.settle()
    assert ahead.current(PURPOSE).id > here.current(PURPOSE).id


def test_a_worker_that_starts_long_after_a_rotation_uses_the_new_key_at_once(world):
    here = world.ring()
    old = here.current(PURPOSE).id
    world.rotate(here)
    world.wait(3600)

    assert world.ring().current(PURPOSE).id > old


def test_a_new_key_is_as_long_as_the_one_before_and_comes_from_the_system(world):
    here = world.ring()
    here.import_key(PURPOSE, bytes(64))
    world.rotate(here)
    newest = max(here.accepted(PURPOSE), key=lambda key: key.id)

    assert len(newest.value) == 64
    assert newest.value != bytes(64)


# A ring that has not heard.


def late_and_early(world):
    """Return a ring that knows of no rotation, and one that signs with the new key already."""
    late, early = world.ring(), world.ring()
    world.rotate(early)
    world.wait(ANNOUNCED_SECONDS + REREAD_SECONDS)
    assert early.settle()
    assert early.current(PURPOSE).id > late.current(PURPOSE).id
    return late, early


def test_what_was_signed_with_a_key_that_a_worker_has_not_heard_of_is_accepted(world):
    late, early = late_and_early(world)

    assert read_signed(signed(early), late, PURPOSE) == {"exp": 1}


def test_forgeries_cause_one_read_a_second_and_none_while_the_feed_vouches(world):
    ring = world.ring()
    world.wait(REREAD_SECONDS)
    before = ring.read.asked

    def forge():
        with pytest.raises(Refused) as refused:
            read_signed(write_jwt({"exp": 1}, b"x" * 32), ring, PURPOSE)
        assert refused.value.outcome is Outcome.CREDENTIALS_BAD

    for _ in range(50):
        forge()
    assert ring.read.asked == before + 1
    world.wait(REREAD_SECONDS)
    for _ in range(50):
        forge()
    assert ring.read.asked == before + 2
    ring.vouched_by(lambda: True)
    world.wait(REREAD_SECONDS)
    forge()
    assert ring.read.asked == before + 2


def test_the_event_loop_reads_no_rows_but_leaves_the_call_to_a_thread(world):
    late, early = late_and_early(world)
    loop, before = late.from_memory(), late.read.asked

    with pytest.raises(NotRemembered):
        read_signed(signed(early), loop, PURPOSE)
    assert late.read.asked == before
    assert read_signed(signed(early), late, PURPOSE) == {"exp": 1}
    assert read_signed(signed(early), loop, PURPOSE) == {"exp": 1}


def test_the_event_loop_refuses_a_forgery_itself_while_the_feed_vouches(world):
    ring = world.ring()
    ring.vouched_by(lambda: True)

    with pytest.raises(Refused):
        read_signed(write_jwt({"exp": 1}, b"x" * 32), ring.from_memory(), PURPOSE)


def test_a_row_that_names_an_unknown_key_is_reason_enough_to_read_them_again(world):
    late, early = late_and_early(world)
    late.vouched_by(lambda: True)

    newest = early.current(PURPOSE)
    assert late.numbered(PURPOSE, newest.id).value == newest.value
    before = late.read.asked
    assert late.numbered(PURPOSE, 0) is None
    assert late.read.asked == before


def test_rows_that_cannot_be_read_are_a_silence_and_no_forgery(world):
    late, early = late_and_early(world)
    token = signed(early)
    world.town.tables.silent = True

    with pytest.raises(Refused) as refused:
        read_signed(token, late, PURPOSE)
    assert refused.value.outcome is Outcome.STORE_SILENT


# Secrets, whose digests do not age.


def test_a_secret_fits_under_the_pepper_before_and_under_one_that_is_not_known_yet(world):
    late, early = world.ring(), world.ring()
    kept = late.imprint(Secret("s3cret"))
    plain = late.digest("s3cret")
    world.rotate(early, PEPPER)
    world.wait(ANNOUNCED_SECONDS)
    early.settle()
    anew = early.imprint(Secret("s3cret"))

    assert anew != kept
    for ring in (early, late):
        for imprint in (kept, plain, anew):
            assert ring.fits(imprint, "s3cret")
            assert not ring.fits(imprint, "other")
    assert early.is_current(PEPPER, anew)
    assert not early.is_current(PEPPER, kept)
    assert not early.is_current(PEPPER, plain)
    assert early.digests("token")[0] == early.digest("token")
    assert len(early.digests("token")) == 2


# The master key.


def test_workers_go_on_with_opened_keys_and_learn_the_new_master_key_when_they_need_it(world):
    ring, other = world.ring(), world.ring()
    token = signed(ring)
    with world.stores.change(Event("master-key:rotated", "keys", "")) as change:
        assert ring.seal_anew(change.keys, bytes(range(32))) == 3
    other.hear([FeedEntry(1, "keys", "")])
    assert read_signed(token, other, PURPOSE) == {"exp": 1}
    assert other.are_all_open()

    with pytest.raises(KeyTrouble, match="does not open"):
        world.ring()
    ring.prepare("who rotated knows the new one already")
    world.master[:] = [bytes(range(32))]
    world.rotate(ring)
    world.hear(other)

    assert len(other.accepted(PURPOSE)) == 2
    assert read_signed(token, world.ring(), PURPOSE) == {"exp": 1}


def test_a_new_key_is_sealed_under_the_master_key_that_the_others_are_under(world):
    ring = world.ring()
    with world.stores.change(Event("master-key:rotated", "keys", "")) as change:
        ring.seal_anew(change.keys, bytes(range(32)))
    world.master[:] = [bytes(32), bytes(range(32))]
    world.rotate(ring)
    world.master[:] = [bytes(range(32))]

    assert len(world.ring().accepted(PURPOSE)) == 2


def test_a_key_that_cannot_be_opened_here_makes_no_forgery_of_what_it_signed(world):
    stuck, early = world.ring(master=[bytes(32)]), world.ring()
    with world.stores.change(Event("master-key:rotated", "keys", "")) as change:
        early.seal_anew(change.keys, bytes(range(32)))
    world.master[:] = [bytes(range(32))]
    world.rotate(early)
    world.hear(stuck)
    token = signed(stuck)

    assert not stuck.are_all_open()
    assert read_signed(token, stuck, PURPOSE) == {"exp": 1}
    stuck.vouched_by(lambda: True)
    with pytest.raises(Refused) as refused:
        read_signed(write_jwt({"exp": 1}, b"x" * 32), stuck, PURPOSE)
    assert refused.value.outcome is Outcome.STORE_SILENT


# What becomes of the key before.


def settled(world, purpose):
    ring = world.ring(PEPPER, DATA, purpose)
    world.rotate(ring, purpose)
    world.wait(ANNOUNCED_SECONDS)
    assert ring.settle()
    return ring, Retiring(world.stores, ring, lambda: world.town.now)


def ids(world, purpose):
    return [key.id for key in world.stores.keys.of(purpose)]


def test_a_signing_key_is_dropped_when_the_last_session_of_its_contract_is_over(world):
    ring, retiring = settled(world, "mowork.token")
    before = ids(world, "mowork.token")
    ends = world.stores.sessions.latest_end("mowork")
    assert ends == NOW + HOUR

    assert retiring.tidy().keys == 0
    assert world.stores.keys.of("mowork.token")[1].ends == ends + MARGIN_SECONDS * 1000
    world.town.now = ends + MARGIN_SECONDS * 1000 - 1
    assert retiring.tidy().keys == 0
    world.town.now += 1
    assert retiring.tidy().keys == 1

    assert ids(world, "mowork.token") == before[:1]
    world.hear(ring, purpose="mowork.token")
    assert len(ring.accepted("mowork.token")) == 1


def test_a_key_of_no_contract_is_dropped_after_a_day(world):
    _, retiring = settled(world, "identity")
    retiring.tidy()

    assert world.stores.keys.of("identity")[1].ends == world.town.now + (OTHER_SECONDS + MARGIN_SECONDS) * 1000


def test_a_key_that_the_audit_trail_is_verified_with_is_kept_for_ever(world):
    ring, retiring = settled(world, AUDIT)
    retiring.tidy()
    world.wait(10**9)
    retiring.tidy()

    assert len(ids(world, AUDIT)) == 2
    with pytest.raises(Refused, match="for ever"):
        DropKeys(world.stores, ring, lambda: world.town.now)("operator", AUDIT)


def test_of_a_purpose_without_any_key_nothing_is_dropped(world):
    with pytest.raises(Refused, match="no key for nothing") as raised:
        DropKeys(world.stores, world.ring(), lambda: world.town.now)("operator", "nothing")

    assert raised.value.outcome is Outcome.NOTHING_THERE


def test_nothing_happens_to_a_key_before_the_new_one_is_used(world):
    ring = world.ring()
    world.rotate(ring)
    before = world.stores.keys.all()

    assert Retiring(world.stores, ring, lambda: world.town.now).tidy().keys == 0
    assert world.stores.keys.all() == before


def add_client(world, ring, client_id):
    client = with_secret(Client(client_id, client_id), Secret(f"secret-of-{client_id}"), ring, NOW)
    client = replace(client, old_digest=client.secret_digest, old_sealed=client.secret_sealed, old_end=NOW + HOUR)
    with world.stores.change(Event("client:added", "client", client_id)) as change:
        change.clients.add(client)


@pytest.mark.parametrize("purpose", [PEPPER, DATA])
def test_clients_secrets_are_kept_anew_before_their_key_is_dropped(world, purpose):
    ring = world.ring()
    for client_id in ("a", "b"):
        add_client(world, ring, client_id)
    ring, retiring = settled(world, purpose)

    assert retiring.tidy().clients == 2
    assert retiring.tidy().clients == 0
    add_client(world, (late := world.ring()), "late")
    assert late.current(purpose).id != ring.current(purpose).id
    world.town.now = world.stores.keys.of(purpose)[1].ends
    done = retiring.tidy()

    assert (done.clients, done.keys) == (1, 1)
    world.hear(ring, purpose=purpose)
    assert len(ring.accepted(purpose)) == 1
    for client_id in ("a", "b", "late"):
        kept = world.stores.clients.by_id(client_id)
        for one in kept.secrets(NOW):
            assert ring.fits(one.digest, f"secret-of-{client_id}")
            assert ring.unseal(one.sealed, f"clients.{client_id}.secret").reveal() == f"secret-of-{client_id}"


def test_a_pepper_stays_while_a_secret_rests_on_it_that_cannot_be_kept_anew(world):
    ring = world.ring()
    add_client(world, ring, "a")
    with world.stores.change(Event("client:spoilt", "client", "a")) as change:
        change.clients.save(replace(change.clients.by_id("a"), secret_sealed=b"", old_sealed=b""))
    ring, retiring = settled(world, PEPPER)
    retiring.tidy()
    world.town.now = world.stores.keys.of(PEPPER)[1].ends

    assert retiring.tidy().keys == 0
    assert len(ids(world, PEPPER)) == 2


def test_a_worker_that_was_there_before_a_rotation_of_the_master_key_seals_what_is_new_under_the_new_one(world):
    before, rotating = world.ring(), world.ring()
    with world.stores.change(Event("master-key:rotated", "keys", "")) as change:
        rotating.seal_anew(change.keys, bytes(range(32)))
    world.master[:] = [bytes(range(32))]

    before.prepare("something.new")

    assert world.ring("something.new").current("something.new") is not None


def test_what_another_worker_keeps_under_a_pepper_that_is_new_here_is_looked_up_again(world):
    here, there = world.ring(), world.ring()
    world.rotate(there, PEPPER)
    world.wait(REREAD_SECONDS)
    (fresh,) = set(there.digests("token")) - set(here.digests("token"))
    asked = []

    def find(*digests):
        asked.append(digests)
        return "found" if fresh in digests else None

    assert found_by_digest(here, "token", find) == "found"
    assert found_by_digest(here, "another", find) is None
    assert len(asked) == 3


@pytest.mark.parametrize("entry", [FeedEntry(1, "keys", ""), FeedEntry(1, "everything", "")])
def test_an_entry_that_names_no_purpose_is_about_all(world, entry):
    here, there = world.ring(), world.ring()
    world.rotate(here, PEPPER)
    there.hear([entry])

    assert len(there.accepted(PEPPER)) == 2
    assert len(there.accepted(PURPOSE)) == 1


def test_the_event_loop_waits_for_nobody_who_reads_keys(world):
    ring = world.ring()
    loop, forged = ring.from_memory(), write_jwt({"exp": 1}, b"x" * 32)

    # Read this very moment: a thread would refuse now, but under a lock that the loop must not wait for.
    with pytest.raises(NotRemembered):
        read_signed(forged, loop, PURPOSE)
    with pytest.raises(Refused):
        read_signed(forged, ring, PURPOSE)


def test_the_event_loop_leaves_a_key_that_it_does_not_know_to_a_thread(world):
    late, early = late_and_early(world)
    kept = late.imprint(Secret("s3cret"))
    loop, before = late.from_memory(), late.read.asked

    for unknown in (early.current(PURPOSE).id, 0):
        with pytest.raises(NotRemembered):
            loop.numbered(PURPOSE, unknown)
    with pytest.raises(NotRemembered):
        loop.fits((99).to_bytes(4, "big") + kept[4:], "s3cret")

    assert late.read.asked == before
    assert not late.fits((99).to_bytes(4, "big") + kept[4:], "s3cret")
    assert loop.fits(kept, "s3cret")


def test_a_worker_goes_on_with_the_keys_it_knows_where_somebody_has_emptied_the_table(world):
    ring = world.ring()
    token, kept = signed(ring), ring.imprint(Secret("s3cret"))
    with world.stores.change(Event("keys:lost", "keys", "")) as change:
        for row in change.keys.all():
            change.keys.drop(row.id)
    ring.hear([FeedEntry(1, "keys", "")])

    assert read_signed(token, ring, PURPOSE) == read_signed(signed(ring), ring, PURPOSE) == {"exp": 1}
    assert ring.fits(kept, "s3cret")
    assert ring.are_all_open()
    ring.prepare("something.new")
    assert world.ring("something.new").current("something.new") == ring.current("something.new")


def test_a_key_that_cannot_be_opened_is_not_in_use_here(world):
    ring = world.ring()
    with world.stores.change(Event("master-key:rotated", "keys", "")) as change:
        ring.seal_anew(change.keys, bytes(range(32)))
    stuck = Keyring(world.stores, bytes(32), lambda: NOW, bytes, world.ticks)
    (row,) = world.stores.keys.of(PURPOSE)

    assert not stuck.is_in_use(PURPOSE, row.id)
    assert not stuck.are_all_open()


def test_a_secret_whose_key_is_gone_is_told_by_its_place(world):
    ring = world.ring()
    sealed = ring.seal(Secret("hidden"), "clients.1.secret")
    with world.stores.change(Event("keys:dropped", "keys", DATA)) as change:
        ring.add(change.keys, DATA)
        change.keys.drop(ring.current(DATA).id)

    with pytest.raises(KeyTrouble, match=r"^the data key of clients\.1\.secret is gone$"):
        world.ring().unseal(sealed, "clients.1.secret")


def test_keys_of_a_house_that_this_process_does_not_serve_are_retired_too(world):
    settled(world, "mowork.token")

    retiring = Retiring(world.stores, world.ring(PEPPER, DATA), lambda: world.town.now)
    world.wait(SKEWED_SECONDS)
    retiring.tidy()

    assert world.stores.keys.of("mowork.token")[1].ends == NOW + HOUR + MARGIN_SECONDS * 1000


def test_a_client_whose_secret_opens_no_more_is_named_and_the_others_are_kept_anew(world, caplog):
    ring = world.ring()
    for client_id in ("a", "b", "c"):
        add_client(world, ring, client_id)
    with world.stores.change(Event("client:spoilt", "client", "b")) as change:
        spoilt = change.clients.by_id("a").secret_sealed
        change.clients.save(replace(change.clients.by_id("b"), secret_sealed=spoilt))
    ring, retiring = settled(world, DATA)

    assert retiring.tidy().clients == 2
    assert caplog.messages == ["client b needs a new secret: what is kept at clients.b.secret was not sealed there"]
    world.town.now = world.stores.keys.of(DATA)[1].ends
    assert retiring.tidy().keys == 0
    assert caplog.messages[-1] == "a client's secret rests on the data before and cannot be kept anew: the key stays"
    assert len(ids(world, DATA)) == 2
    with pytest.raises(Refused, match="a client's secret rests on an older data") as refused:
        dropping(world, ring)("operator", DATA)
    assert refused.value.outcome is Outcome.NOT_ALLOWED
    assert len(ids(world, DATA)) == 2


class Outrun(Counted):
    """A ring during whose next look something happens."""

    meanwhile: Any

    def is_in_use(self, purpose, key_id):
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return super().is_in_use(purpose, key_id)


def test_of_two_workers_that_drop_a_key_at_once_one_does_and_writes_it_down(world):
    ring, retiring = settled(world, PURPOSE)
    retiring.tidy()
    world.town.now = world.stores.keys.of(PURPOSE)[1].ends
    slow = Outrun(Counting(world.stores), bytes(32), lambda: world.town.now, bytes, world.ticks)
    slow.prepare(PURPOSE)
    slow.meanwhile = lambda: dropped.append(retiring.tidy().keys)
    dropped: list[int] = []

    dropped.append(Retiring(world.stores, slow, lambda: world.town.now).tidy().keys)

    assert dropped == [1, 0]
    details = [row.detail["dropped"] for row in world.stores.audit.page(0, 1000) if row.kind == "key:retired"]
    assert details == [0, 1]
    assert ids(world, PURPOSE) == [ring.current(PURPOSE).id]


# Keys that have leaked.


def dropping(world, ring):
    return DropKeys(world.stores, ring, lambda: world.town.now)


def test_a_leaked_key_stays_until_the_new_one_is_used(world):
    ring = world.ring()
    world.rotate(ring)

    with pytest.raises(Refused, match="not used yet") as refused:
        dropping(world, ring)("operator", PURPOSE)

    assert refused.value.outcome is Outcome.NOT_ALLOWED
    assert len(ids(world, PURPOSE)) == 2


@pytest.mark.parametrize("purpose", [DATA, "identity"])
def test_who_is_signed_in_stays_so_when_a_key_is_dropped_that_no_token_rests_on(world, purpose):
    ring = world.ring()
    add_client(world, ring, "a")
    ring, _ = settled(world, purpose)

    assert dropping(world, ring)("operator", purpose) == 0
    assert len(ids(world, purpose)) == 1
    world.hear(ring, purpose=purpose)
    assert all(world.stores.sessions.standing_of(one).session.ended is None for one in ("mei1", "mei2", "bo1"))
    assert [row.kind for row in world.stores.audit.page(0, 1000)][-1] == "keys:dropped"
    assert ring.fits(world.stores.clients.by_id("a").secret_digest, "secret-of-a")


def test_where_there_is_no_older_key_nobody_is_signed_out(world):
    ring = world.ring(PEPPER, DATA)

    assert dropping(world, ring)("operator", PEPPER) == 0
    assert world.stores.sessions.standing_of("mei1").session.ended is None
