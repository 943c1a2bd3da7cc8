"""A town to ask in: a property company with its staff, an owner, a tenant, somebody else's staff."""

from pathlib import Path
from typing import Any

import lingpai_community

from lingpai.vocabulary.outcomes import End
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
