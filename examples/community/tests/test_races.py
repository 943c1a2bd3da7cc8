"""What many do at once, on every store."""

from concurrent.futures import ThreadPoolExecutor

from lingpai_community import CommunitySettings
from lingpai_community.doors import DoorsOnPaper, Gatehouse, KeyShown, Lending
from lingpai_community.people import People
from lingpai_community.rooms import RoomAsked, Rooms
from lingpai_community.tables import chosen, doors, openings
from settling import MEI, begun, caller
from sqlalchemy import insert, select

from lingpai.principals.names import name_key
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import Refused
from lingpai.vocabulary.values import User

AT_ONCE, TRIES = 4, 24


def test_a_key_opens_no_more_often_than_it_may_however_many_show_it(stores):
    people = People(begun(stores))
    with stores.change(Event("test:begun", "module", "community", told=False)) as change:
        for number in range(1, MEI + 1):
            change.accounts.add(User(0, f"n{number}", name_key(f"n{number}"), ""))
        change.tables.rows(insert(doors), item_id=1, name="东门")
    gatehouse = Gatehouse(people, DoorsOnPaper(), CommunitySettings().key_url)
    key = gatehouse.lend(caller(MEI), Lending(1, seconds=60, times=5)).key

    def tried(_number):
        try:
            gatehouse.unlock_with_key(caller(MEI), KeyShown(key))
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        opened = list(pool.map(tried, range(TRIES)))

    assert sum(opened) == 5
    assert len(stores.tables.rows(select(openings))) == 5


def test_a_room_may_be_chosen_twice_at_once(stores):
    rooms = Rooms(People(begun(stores)))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _number: rooms.switch(caller(MEI), RoomAsked(1)), range(TRIES)))

    assert [tuple(row) for row in stores.tables.rows(select(chosen))] == [(MEI, 1)]
