"""What may happen once happens once, however many try at the same moment."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from lingpai.vocabulary.events import FeedEntry
from lingpai.vocabulary.outcomes import Reason
from lingpai.vocabulary.values import Sighting
from tests.stores.programs import CONTEND, Program
from tests.stores.samples import NOW, client, done, generation, session, told, user

THREADS = 8
ROUNDS = 150


def winners(attempt):
    """Let every thread make each attempt at once, and return how often each was won."""
    together = threading.Barrier(THREADS)

    def contend(_):
        won = []
        for number in range(ROUNDS):
            together.wait()
            if attempt(number):
                won.append(number)
        return won

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(number for won in pool.map(contend, range(THREADS)) for number in won)


ONCE = dict.fromkeys(range(ROUNDS), 1)


@pytest.fixture
def rounds(house):
    """Return stores with a session, a pair and a membership for each round."""
    with house.change(done()) as change:
        for number in range(ROUNDS):
            change.sessions.open(session(f"r{number}"))
            change.generations.add(generation(number, session_id="s1"))
            change.accounts.add(user(f"u{number}"))
            change.companies.join(number + 3, 1, is_admin=False)
    return house


def in_a_change(stores, act):
    with stores.change(done(told=False)) as change:
        return act(change)


def test_a_refresh_token_is_claimed_once(rounds):
    def claim(number):
        return in_a_change(rounds, lambda change: change.generations.claim("s1", number, NOW))

    assert winners(claim) == ONCE


def test_a_session_is_ended_once(rounds):
    def end(number):
        return in_a_change(rounds, lambda change: change.sessions.end(f"r{number}", Reason.KICKED_OUT, NOW))

    assert winners(end) == ONCE


def test_a_membership_is_left_once(rounds):
    def leave(number):
        return in_a_change(rounds, lambda change: change.companies.leave(number + 3, 1))

    assert winners(leave) == ONCE


def test_a_timestamp_is_exchanged_once(house):
    def issue(number):
        return house.traces.issue("s1", number, number + 1)

    assert winners(issue) == ONCE


def test_a_name_is_given_once(house):
    def add(number):
        return in_a_change(house, lambda change: change.accounts.add(user(f"n{number}"))) is not None

    assert winners(add) == ONCE


def test_a_client_id_is_given_once(house):
    def add(number):
        return in_a_change(house, lambda change: change.clients.add(client(f"c{number}")))

    assert winners(add) == ONCE


def test_sightings_of_many_threads_leave_the_latest(rounds):
    def saw(number):
        rounds.traces.saw([Sighting("s1", NOW + number, None), Sighting(f"r{number}", NOW + number, None)])

    winners(saw)

    assert rounds.sessions.standing_of("s1").session.last_seen == NOW + ROUNDS - 1


def test_every_change_of_every_thread_is_recorded_under_its_own_number(stores):
    heard: list[FeedEntry] = []
    beginning = stores.feed.here()
    stores.listen(heard.extend)

    winners(lambda number: in_a_change(stores, lambda change: change.also(done())))

    numbers = [entry.number for entry in told(stores, beginning)]
    assert numbers == list(range(1, THREADS * ROUNDS + 1))
    assert sorted(entry.number for entry in heard) == numbers
    assert len(stores.audit.page(0, 10_000)) == 2 * len(numbers)


def test_two_processes_do_not_win_one_claim(shared_house, place):
    total = 200
    with shared_house.change(done()) as change:
        for number in range(total):
            change.generations.add(generation(number))

    both = [Program(CONTEND, place) for _ in range(2)]
    claimed: Counter[str] = Counter()
    for number in range(total):
        for each in both:
            each.say(number)
        for each in both:
            claimed.update(each.hear().split())
        both.reverse()
    for each in both:
        each.end()

    assert claimed == {f"{what}{number}": 1 for what in ("claim", "issue") for number in range(total)}
