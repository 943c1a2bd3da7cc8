"""Which passwords may be chosen, and what is right for whom."""

import subprocess
import sys

import pytest

from lingpai.principals.passwords.argon2 import hash_password
from lingpai.principals.passwords.gate import HashingGate
from lingpai.principals.passwords.strength import check_new_password
from lingpai.vocabulary.outcomes import Outcome, Refused


@pytest.mark.parametrize("password", ["tiger lily", "correct horse", "mei-and-tiger", "八个汉字也可以的"])
def test_a_long_enough_password_of_any_letters_may_be_chosen(password):
    check_new_password(password, "mei")


@pytest.mark.parametrize(
    "password", ["short", "PassWord1", "Ｐassword1", "abababababab", "abcabcabc", "xiaomei123", "XIAOMEI", "1xiaomei2"]
)
def test_a_short_common_or_monotonous_one_and_the_name_itself_may_not(password):
    with pytest.raises(Refused) as refused:
        check_new_password(password, "xiaomei")

    assert refused.value.outcome is Outcome.PASSWORD_TOO_WEAK


@pytest.mark.parametrize("encoded", [None, ""])
def test_nobody_has_a_password_not_even_the_one_that_stands_in_for_it(encoded):
    assert not HashingGate(1).verify(encoded, "nobody has this password")


def test_a_gate_is_as_wide_after_a_failure_as_before_and_sends_away_who_finds_it_full():
    gate = HashingGate(1, waiting=0)
    encoded = hash_password("tiger lily")
    for _ in range(3):
        assert gate.verify(encoded, "tiger lily")
    with pytest.raises(UnicodeEncodeError):
        gate.hash("\ud800")

    assert gate.verify(encoded, "tiger lily")
    assert gate._places.acquire(blocking=False)
    with pytest.raises(Refused) as refused:
        gate.verify(encoded, "tiger lily")
    assert (refused.value.outcome, refused.value.retry_after) == (Outcome.TOO_MANY_ATTEMPTS, 2)


NICENESS = """
import os, sys, threading
from lingpai.principals.passwords.gate import HashingGate

os.nice(int(sys.argv[1]))
niceness = lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
print(niceness(), HashingGate(1)._run(niceness))
"""
"""Tells how nice the main thread is, and one that hashes."""


@pytest.mark.parametrize("nicer", [0, 15])
def test_a_thread_that_hashes_gives_way_to_all_others_and_never_asks_for_more(nicer):
    done = subprocess.run([sys.executable, "-c", NICENESS, str(nicer)], capture_output=True, text=True, check=True)

    others, hashing = map(int, done.stdout.split())
    assert hashing == max(10, others)
    assert others >= nicer
