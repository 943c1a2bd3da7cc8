"""A town to ask in: a property company with its staff, an owner, a tenant, somebody else's staff."""

import threading
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import lingpai_community
from lingpai_community.tables import items, residents, rooms
from sqlalchemy import insert

from lingpai.modules.workbench import Workbench
from lingpai.principals.keys import DATA, PEPPER, Keyring
from lingpai.stores.interfaces import Stores
from lingpai.vocabulary.events import Event
from lingpai.vocabulary.outcomes import End, Refused
from lingpai.vocabulary.values import Caller, Client, Company, Membership, Session, Standing, Terms, User
from tests.conformance.five import Five, Heard
from tests.conformance.stage import Stage

PACKAGE = Path(lingpai_community.__file__).parent

COMPANY, RIVAL = 1, 2
CHEN, FANG, GU, MEI, WANG, ZHOU = 1, 2, 3, 4, 5, 6

OWNED = {"building_name": "1栋", "room_number": "101", "building_area": "89.5", "purpose": "住宅"}
TENANT = {"item_id": 1, "room_id": 1, "name": "王", "phone": "13800000002", "idcard": "11010119900307451X"}

BEGUN: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("chen", "item/add", {"name": "和园", "company_id": COMPANY}),
    ("chen", "room/add", {"item_id": 1, **OWNED, "owner_id": MEI, "name": "梅", "phone": "13800000001"}),
    ("chen", "room/add", {"item_id": 1, **OWNED, "room_number": "102", "name": "邻居", "phone": "13900000000"}),
    ("mei", "user/familyAdd", {**TENANT, "user_id": MEI, "sex": 1, "identity": 1, "kindred": "租客"}),
)
"""What has happened before: the project 1, the rooms 1 and 2, and who owns and rents the first."""


def settled(module: Path = PACKAGE, **settings: str) -> Five:
    """
    Return five contracts to ask: chen leads the property company, fang and gu are on its staff.

    mei owns a room there, wang has proved the phone number of mei's tenant, zhou leads a rival company.
    """
    own = {"community": {"payment": "stand-in", **settings}}
    stage = Stage("mowork", {"module_files": (str(module),), "modules": own})
    five = Five(stage, "community")
    stage.company("和园物业")
    stage.company("别家物业")
    five.person("chen", f"admin={COMPANY}")
    five.person("fang", f"company={COMPANY}")
    five.person("gu", f"company={COMPANY}")
    five.person("mei", "phone=13800000001", "phone_verified=yes")
    five.person("wang", "phone=13800000002", "phone_verified=yes")
    five.person("zhou", f"admin={RIVAL}")
    return five


def begin(five: Five, contract: str) -> None:
    """Let happen what has happened before."""
    for who, call, arguments in BEGUN:
        heard = five.ask(contract, call, who, **arguments)
        assert "id" in heard.data, (call, heard)


def ended(five: Five, contract: str, heard: Heard, end: End) -> bool:
    """Return whether an answer spells *end* as the contract does."""
    code = five.stage.house.served[contract].contract.spelling[end]
    return (heard.status, heard.number, heard.message) == (code.status, code.number, code.chinese)


def begun(stores: Stores) -> Workbench:
    """Return a workbench over *stores*, in which mei and wang live in the room 1 of the property company's project."""
    numbers = count(1)

    def random(size: int) -> bytes:
        return next(numbers).to_bytes(size, "big")

    stores.migrations.migrate("community", lingpai_community.MODULE.migrations)
    with stores.change(Event("test:begun", "module", "community", told=False)) as change:
        change.companies.add(Company(0, "和园物业"))
        change.tables.rows(insert(items), company_id=COMPANY, name="和园", created=0)
        change.tables.rows(insert(rooms), item_id=1, created=0)
        for who in (MEI, WANG):
            lives = {"room_id": 1, "user_id": who, "phone": str(who), "idcard": b"", "sex": 0, "identity": 0}
            change.tables.rows(insert(residents), **lives, created=0)
    keys = Keyring(stores, bytes(32), lambda: 0, random)
    for purpose in (PEPPER, DATA):
        keys.prepare(purpose)
    return Workbench("community", lambda: 0, ZoneInfo("Asia/Shanghai"), random, keys, stores)


def caller(user_id: int, *companies: int) -> Caller:
    """Return a user who has passed the gate, on the staff of *companies*."""
    session = Session("s", user_id, "c", "mowork", "pc", None, None, 0, None, 10, 0)
    memberships = tuple(Membership(company, "和园物业") for company in companies)
    standing = Standing(session, User(user_id, "n", "n", ""), Client("c", "c"), memberships)
    return Caller(terms=Terms("mowork", None, 10), client=standing.client, standing=standing)


def raced(
    races: int, racers: Mapping[int, Callable[[int], object]]
) -> tuple[list[tuple[int, int]], list[tuple[int, End]]]:
    """Let all *racers* begin each of the races 1 … *races* at once; return who won which, and how the others ended."""
    won: list[tuple[int, int]] = []
    lost: list[tuple[int, End]] = []
    start = threading.Barrier(len(racers))

    def run(who: int) -> None:
        for number in range(1, races + 1):
            start.wait()
            try:
                racers[who](number)
                won.append((number, who))
            except Refused as refusal:
                lost.append((number, refusal.outcome))

    running = [threading.Thread(target=run, args=(who,)) for who in racers]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return won, lost
