"""Auth codes, in every store."""

import pytest

from tests.stores.samples import NOW, code, done

WHOLE = code(
    bytes(range(32)),
    client_id="h5",
    scope=frozenset({"getUserInfo", "getCompanyInfo"}),
    company_id=2,
    end=NOW,
)


def added(house, *codes):
    with house.change(done()) as change:
        for each in codes:
            change.codes.add(each)


def test_a_code_comes_back_as_it_went_in(house):
    added(house, WHOLE, code(b"empty", scope=frozenset()))

    assert house.codes.find(bytes(range(32))) == WHOLE
    assert house.codes.find(b"empty").scope == frozenset()
    assert house.codes.find(b"other") is None


def test_a_code_is_of_a_session_and_no_other_code(house, misuse):
    added(house, WHOLE)
    for wrong in (WHOLE, code(b"stray", session_id="nobody")):
        with pytest.raises(misuse):
            added(house, wrong)


def test_codes_that_were_over_are_deleted_in_batches(house):
    added(house, *(code(bytes([n]), end=NOW + n) for n in range(6)))

    with house.change(done()) as change:
        assert [change.codes.delete_over(NOW + 5, 3) for _ in range(3)] == [3, 2, 0]

    assert house.codes.find(b"\x05") is not None
    assert house.codes.find(b"\x04") is None


def test_a_code_is_found_by_any_of_its_digests(house):
    kept = code(b"c1")
    with house.change(done()) as change:
        change.codes.add(kept)

    assert house.codes.find(b"other", b"c1") == kept
    assert house.codes.find(b"c1", b"other") == kept
    assert house.codes.find(b"other", b"another") is None
