"""Notices and working keys, in every store."""

from dataclasses import replace

from tests.stores.samples import done, key, notice


def test_a_notice_comes_back_as_it_went_in(house):
    whole = notice("系统维护 🛠", content="今晚八点\n\t“停机”", author_id=2)

    with house.change(done()) as change:
        kept = change.notices.add(whole)

    assert kept == replace(whole, id=kept.id)
    assert house.notices.page(1, 20) == [kept]


def test_notices_are_shown_newest_first_by_the_page(house):
    with house.change(done()) as change:
        for title in "abcde":
            change.notices.add(notice(title))

    titles = [[n.title for n in house.notices.page(number, 2)] for number in (1, 2, 3, 4)]
    assert titles == [["e", "d"], ["c", "b"], ["a"], []]
    assert house.notices.page(2**62, 20) == []


def test_keys_are_of_their_purpose_newest_first(house):
    with house.change(done()) as change:
        first = change.keys.add(key("pepper"))
        other = change.keys.add(key("data", sealed=b"\x00"))
        second = change.keys.add(key("pepper", sealed=b"\xff\x00"))

    assert house.keys.of("pepper") == [second, first]
    assert house.keys.of("data") == [other]
    assert house.keys.of("nothing") == []
    assert first == key("pepper", id=first.id)


def test_a_key_is_sealed_otherwise_ended_and_dropped_and_no_other_is(house):
    with house.change(done()) as change:
        first, second = change.keys.add(key("pepper")), change.keys.add(key("data", begins=7, ends=8))
        assert change.keys.lock("pepper") == [first]
        change.keys.seal(first.id, b"otherwise")
        change.keys.end(first.id, 99)

    assert house.keys.all() == [second, replace(first, sealed=b"otherwise", ends=99)]
    with house.change(done()) as change:
        change.keys.drop(first.id)
    assert house.keys.all() == [second]
