"""The OpenAPI document of a contract is valid, and says of every request and answer of its transcript what they are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lxml import etree
from openapi_spec_validator import validate

from lingpai.composition import declarations
from lingpai.edge.call import Call, Request
from lingpai.edge.openapi import openapi
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.settings import Settings
from tests.conformance.stage import Stage
from tests.conformance.transcripts import asked, exchanges, filled, head_and_body

HERE = Path(__file__).parent

DESK: Any = None
"""No reader asks for one."""

each_contract = pytest.mark.parametrize("name", sorted(declarations(Settings())))


def contract_of(stage):
    return stage.house.served[stage.name].contract


def read(request, contract):
    """Return a call of which no more is known than what the contract's reader finds."""
    call = Call(request, contract, DESK, 0)
    contract.reader(call)
    return call


class Described:
    """The document of the contract that a stage serves just now."""

    def __init__(self, stage):
        self.contract = contract_of(stage)
        self.document = _document(self.contract)

    def operation(self, request):
        """Return the operation that *request* names, or None, and the path's own words."""
        try:
            call = read(request, self.contract)
            path = self.contract.router.path(request, call.query)
        except Refused:
            path = self.contract.router.path(request, {})
        return self.document["paths"].get(path, {}).get(request.method.lower())

    def complaints(self, schema, value):
        """Return what is wrong with *value*; a member that the schema does not name is wrong too."""
        closed = _closed({**schema, "components": self.document["components"]})
        return [error.message for error in Draft202012Validator(closed).iter_errors(value)]


_DOCUMENTS: dict[int, Any] = {}


def _document(contract):
    # A contract has functions in it and cannot be hashed; it is kept, so that its id stays its own.
    kept = _DOCUMENTS.setdefault(id(contract), (contract, None))
    if kept[1] is None:
        _DOCUMENTS[id(contract)] = kept = (contract, json.loads(json.dumps(openapi(contract))))
    return kept[1]


def _closed(schema):
    if isinstance(schema, dict):
        closed = {name: _closed(inner) for name, inner in schema.items()}
        if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
            closed["additionalProperties"] = False
        return closed
    return [_closed(inner) for inner in schema] if isinstance(schema, list) else schema


def request_of(stage, exchange):
    """Return the request of *exchange* as the contract is asked, or None where it is a preflight."""
    method, _, target = exchange.sent[0].partition(" ")
    headers, body = head_and_body(exchange.sent[1:])
    target = filled(target, target, stage)
    path, _, query = target.partition("?")
    inner = path.removeprefix(f"/{stage.name}") or "/"
    raw = [
        (name.lower().encode(), filled(value, target, stage).encode(errors="surrogateescape"))
        for name, value in headers
    ]
    sent = filled(body, target, stage).encode(errors="surrogateescape")
    return None if method == "OPTIONS" else Request(method, inner, query.encode(), raw, sent)


def bytes_of(text, target, stage):
    return filled(text, target, stage).encode(errors="surrogateescape")


def played(name):
    """Yield for each exchange of a transcript its stage, its request, and what came."""
    stage = Stage(name)
    for exchange in exchanges((HERE / f"{name}.http").read_text(encoding="utf-8")):
        came = asked(exchange, stage)
        if request := request_of(stage, exchange):
            yield f"{name}.http:{exchange.line}", stage, request, came


@each_contract
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_document_is_valid_openapi(name, language):
    document = openapi(contract_of(Stage(name)), about="A house.\n\nWith a story.", language=language)

    validate(json.loads(json.dumps(document)))

    assert document["info"]["summary"] == "A house."
    assert "x-lingpai-words" not in json.dumps(document)


@each_contract
def test_every_reference_of_the_document_leads_somewhere(name):
    document = openapi(contract_of(Stage(name)), about="")

    references = set(re.findall(r'"\$ref": "#/components/(\w+)/([^"]+)"', json.dumps(document)))

    assert len(references) > 20
    assert [(kind, part) for kind, part in references if part not in document["components"][kind]] == []


@each_contract
def test_every_answer_of_the_transcript_is_one_that_the_document_describes(name):
    wrong: list[tuple] = []
    described_at_all = 0
    for where, stage, request, (status, headers, body) in played(name):
        described = Described(stage)
        operation = described.operation(request)
        media = headers["content-type"].partition(";")[0]
        if operation is None:
            answers = [{"$ref": f"#/components/schemas/{name}"} for name in described.document["components"]["schemas"]]
            schema = {"anyOf": answers}
        else:
            described_at_all += 1
            response = operation["responses"].get(str(status), {})
            schema = response.get("content", {}).get(media, {}).get("schema")
            undescribed = [
                name
                for name in headers
                if name not in ("content-type", "content-length", "vary", "connection")
                and not name.startswith("access-control-")
                and name not in map(str.lower, response.get("headers", ()))
            ]
            if schema is None or undescribed:
                wrong.append((where, status, media, undescribed))
                continue
        value = read_answer(media, body, schema, described)
        wrong += [(where, complaint) for complaint in described.complaints(schema, value)]

    assert wrong == []
    assert described_at_all > 30


def read_answer(media, body, schema, described):
    if media == "text/plain":
        return body
    if media == "application/json":
        return json.loads(body)
    root = etree.fromstring(body.encode())
    # XML has no types of its own: of all that its words can mean, what the schema asks for.
    return typed(root, schema, described.document["components"]["schemas"])


def typed(element, schema, named):
    """Return what *element* says, in the types that *schema* asks for."""
    if "$ref" in schema:
        return typed(element, named[schema["$ref"].rpartition("/")[2]], named)
    if "anyOf" in schema:
        found = [typed(element, each, named) for each in schema["anyOf"]]
        return next((value for value in found if value is not None), None)
    if "properties" in schema or schema.get("type") == "object":
        return typed_members(element, schema.get("properties", {}), named)
    if schema.get("type") == "array":
        return [typed(child, schema["items"], named) for child in element]
    is_number = schema.get("type") == "integer" or isinstance(schema.get("const"), int)
    text = element.text or ""
    return None if schema.get("type") == "null" else int(text) if is_number else text


def typed_members(element, properties, named):
    """Return the object that *element* holds, or None where it is not one of these *properties* and constants."""
    if properties.keys() != {child.tag for child in element}:
        return None if properties else {child.tag: child.text for child in element}
    values = {child.tag: typed(child, properties[child.tag], named) for child in element}
    is_other = any(schema.get("const", values[name]) != values[name] for name, schema in properties.items())
    return None if is_other else values


@each_contract
def test_every_request_that_succeeds_is_one_that_the_document_describes(name):
    wrong, checked = [], 0
    for where, stage, request, (status, _, body) in played(name):
        described = Described(stage)
        operation = described.operation(request)
        ok = described.contract.spelling[Outcome.OK]
        if operation is None or status != ok.status or not says(body, ok.number):
            continue
        checked += 1
        wrong += [(where, complaint) for complaint in complaints_of_request(described, operation, request)]

    assert wrong == []
    assert checked > 10


def says(body, number):
    return re.search(rf'(?:"(?:resCode|code|errno)":{re.escape(json.dumps(number))}[,}}]|<code>{number}<)', body)


def complaints_of_request(described, operation, request):
    """Return what the document does not say of what the contract's reader finds in *request*."""
    call = read(request, described.contract)
    found = {**call.query, **call.body, **call.arguments}
    schemas: dict[str, Any] = {}
    required: set[str] = set()
    for each in operation.get("parameters", ()):
        if each["in"] == "query" and each.get("style") == "deepObject":
            schemas |= each["schema"]["properties"]
            required |= set(each["schema"].get("required", ()))
        elif each["in"] == "query":
            schemas[each["name"]] = each["schema"]
            required |= {each["name"]} if each.get("required") else set()
    for content in operation.get("requestBody", {}).get("content", {}).values():
        inner = content["schema"]
        nest = inner["properties"].get("requestParam", {})
        schemas |= inner["properties"] | nest.get("properties", {})
        required |= set(inner.get("required", ())) | set(nest.get("required", ()))
    missing = [f"{name} is missing" for name in required - set(found) - {"requestParam"}]
    wrong = [
        f"{name}: {complaint}"
        for name, value in found.items()
        if name in schemas and isinstance(value, (str, int)) and schemas[name].get("type") != "object"
        for complaint in described.complaints(schemas[name], of_type(schemas[name], value))
    ]
    return missing + wrong


def of_type(schema, value):
    """Return *value* as a member of a form is read: its text is a number where a number is asked for."""
    return int(value) if schema.get("type") == "integer" and str(value).isdecimal() else value
