"""Our HMAC against the library's."""

import hmac
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lingpai.principals.keys import hmac_sha256


@pytest.mark.parametrize("size", [0, 1, 32, 63, 64, 65, 200])
@pytest.mark.parametrize("length", [0, 1, 55, 64, 300, 5000])
def test_it_is_hmac_whatever_the_lengths_of_key_and_message(size, length):
    key, message = bytes(range(size)), b"m" * length

    assert hmac_sha256(key, message) == hmac.digest(key, message, "sha256")


def test_the_vector_of_the_rfc():
    # RFC 4231, test case 2
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    assert hmac_sha256(b"Jefe", b"what do ya want for nothing?").hex() == expected


def test_threads_that_use_one_key_at_once_do_not_disturb_each_other():
    together = threading.Barrier(4)
    messages = [bytes([n]) * 3000 for n in range(4)]

    def often(message):
        together.wait()
        return {hmac_sha256(b"k" * 32, message) for _ in range(2000)}

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(often, messages))

    assert found == [{hmac.digest(b"k" * 32, message, "sha256")} for message in messages]
