"""What nobody has given an example of is shown by one that could be sent, whatever a module answers."""

import json
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec import Meta, Struct, UnsetType
from openapi_spec_validator import validate

from lingpai.edge.openapi import openapi
from lingpai.edge.reference import markdown
from lingpai.edge.samples import Endless, sample
from lingpai.modules.module import BusinessCall, Offer
from tests.conformance.stage import Stage


@dataclass(frozen=True)
class Department:
    name: str
    below: "list[Department]"


class Task(Struct):
    name: str
    within: "Task | None"
    next: "Task | UnsetType" = msgspec.UNSET


class Renamed(Struct, rename="camel"):
    second_name: str
    first_name: str


class Folder(Struct, tag=True):
    inside: "list[Folder | Link]"


class Link(Struct, tag=True):
    towards: "Annotated[list[Folder | Link], Meta(max_length=3)]"


class Room(Struct, tag=True):
    door: "Door | Wall"


class Door(Struct, tag=True):
    leads_to: Room


class Wall(Struct, tag=True):
    """Where every house ends."""


class Mirror(Struct):
    other: "Mirror"


class Crowd(Struct):
    others: "Annotated[list[Crowd], Meta(min_length=1)]"


TREES = [Department, Task, Folder, Room, Door]


@pytest.mark.parametrize(
    "kind",
    [
        str,
        Annotated[str, Meta(min_length=3)],
        Annotated[str, Meta(min_length=3, max_length=3)],
        Annotated[str, Meta(max_length=0)],
        int,
        float,
        Annotated[int, Meta(ge=5)],
        Annotated[int, Meta(gt=5)],
        Annotated[int, Meta(le=-5)],
        Annotated[int, Meta(lt=-5)],
        Annotated[int, Meta(ge=-9, lt=-5)],
        Annotated[float, Meta(gt=0, le=0.5)],
        Annotated[float, Meta(gt=0, lt=0.5)],
        Annotated[float, Meta(ge=-0.5, lt=0)],
        Annotated[float, Meta(lt=-0.5)],
        bool,
        None,
        list,
        list[int],
        Annotated[list, Meta(min_length=2)],
        Annotated[list[str], Meta(min_length=2)],
        tuple[int, str],
        tuple[bool, ...],
        dict[str, int],
        int | None,
        Any,
        *TREES,
    ],
    ids=str,
)
def test_an_example_is_one_that_the_schema_allows(kind):
    (schema,), named = msgspec.json.schema_components([kind])

    value = sample(schema, named)

    assert list(Draft202012Validator({**schema, "$defs": named}).iter_errors(value)) == []


@pytest.mark.parametrize("kind", [Mirror, Crowd])
def test_what_holds_itself_without_end_is_named(kind):
    (schema,), named = msgspec.json.schema_components([kind])

    with pytest.raises(Endless, match=rf"^{kind.__name__} must hold another {kind.__name__}, without end$"):
        sample(schema, named)


def described(kind):
    """Return the OpenAPI document of a contract with a call that answers *kind*, and what it says of that call."""
    contract = Stage("mowork").house.served["mowork"].contract
    call = BusinessCall("office", "tell", lambda _caller, _question: None, answers=kind)
    document = openapi(replace(contract, modules=(*contract.modules, Offer("office", (call,)))))
    validate(json.loads(json.dumps(document)))
    (answer,) = document["paths"]["/office/tell"]["post"]["responses"]["200"]["content"].values()
    return document, answer["examples"]["OK"]["value"]["responseParam"]


def test_a_tree_is_described_by_one_level_of_it():
    document, example = described(Department)
    page = markdown(document, "en").split("\n## POST /mowork/office/tell\n")[1]

    assert example == {"name": "…", "below": []}
    assert "`responseParam.below` | array" in page
    assert "below[]" not in page


def test_members_that_are_called_otherwise_on_the_wire_are_described_so():
    document, example = described(Renamed)

    assert example.keys() == {"firstName", "secondName"}
    assert document["components"]["schemas"]["Renamed"]["properties"].keys() == {"firstName", "secondName"}
