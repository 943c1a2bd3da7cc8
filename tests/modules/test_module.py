"""A module of somebody else's is served by every contract that can spell it, and by no other."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lingpai.composition import DataTrouble, open_house
from lingpai.edge.logbook import current_request, request_id
from lingpai.modules.module import BusinessCall
from lingpai.modules.notices import MODULE as NOTICES
from lingpai.vocabulary.outcomes import Ending, Outcome, Refused
from lingpai.vocabulary.settings import SettingRefused, load_settings
from tests.conformance.five import CONTRACTS, Five
from tests.conformance.stage import Stage
from tests.modules import garden

FILE = Path(garden.__file__)

each_contract = pytest.mark.parametrize("contract", CONTRACTS)


@pytest.fixture
def five():
    five = Five(Stage("mowork", {"module_files": (str(FILE),)}), "garden", "compost")
    five.person("mei", "role=gardener")
    five.person("bo")
    return five


@each_contract
def test_it_is_served_with_the_contracts_own_words(five, contract):
    planted = five.ask(contract, "garden/plant", "bo", plant="牡丹")
    five.ask(contract, "garden/tend", "mei", id=1)
    again = five.ask(contract, "garden/tend", "mei", id=1)

    assert planted.data == {"id": 1, "plant": "牡丹"}
    assert five.ask(contract, "garden/list").data == {"beds": [{"id": 1, "plant": "牡丹"}]}
    numbers = {"mowork": "120001", "oppmg": "12001", "twokeys": 0, "zhiyun": 120001, "thinkjs": 1000}
    assert (again.status, again.number, again.message) == (200, numbers[contract], "已有人照看")


@each_contract
def test_a_role_is_asked_for(five, contract):
    five.ask(contract, "garden/plant", "bo", plant="rose")

    refused = five.ask(contract, "garden/tend", "bo", id=1)

    assert refused.message in ("无权访问", "该授权码无权限访问")
    assert five.ask(contract, "garden/tend", "mei", id=1).data == {}


@each_contract
def test_a_scope_is_asked_for(five, contract):
    """Apps that prove who they are have theirs from `client add`; the built-in ones have none yet."""
    wilted = {"twokeys": "枯了", "zhiyun": "枯了"}

    assert five.ask(contract, "garden/wilt", "mei").message == wilted.get(contract, "无权访问")


def test_without_its_alias_a_code_opens_nothing_of_a_module(five):
    five.stage.client("1234567890", "-", "scope=basic notice")

    assert five.ask("zhiyun", "garden/plant", "bo", plant="rose").number == 100018


def test_a_failure_number_left_to_the_contract_follows_its_setting(five):
    five.stage.set("contracts.twokeys.success_code=0")

    assert five.ask("twokeys", "garden/plant", "mei", plant="rose").number == 0
    five.ask("twokeys", "garden/tend", "mei", id=1)
    assert five.ask("twokeys", "garden/tend", "mei", id=1).number == 1


@pytest.mark.parametrize(("call", "why"), [("burn", "the shed is on fire"), ("flood", "NAME_TAKEN, which it does not")])
def test_what_a_module_may_not_raise_is_the_contracts_internal_error_and_logged_with_its_name(five, caplog, call, why):
    heard = five.ask("mowork", f"garden/{call}", "mei")

    assert (heard.status, heard.number) == (500, "100500")
    assert f"module garden: garden/{call}" in caplog.text
    assert why in caplog.text


def test_its_settings_are_its_own_section(five):
    five.stage.settings["modules"] = {"garden": {"plants": ("moss",)}}
    five.stage._build()

    assert five.ask("mowork", "garden/plant", "bo", plant="rose").number == "100002"
    assert five.ask("mowork", "garden/plant", "bo", plant="moss").number == "100000"


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("GARDEN__SOIL", "clay", r"LINGPAI_MODULES__GARDEN__SOIL: \[modules.garden\] soil is unknown"),
        ("GARDN__PLANTS", "a,b", r"\[modules.gardn\] is unknown. Did you mean garden?"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(tmp_path, variable, value, complaint):
    variables = {"LINGPAI_MODULE_FILES": str(FILE), f"LINGPAI_MODULES__{variable}": value}
    house = open_house(tmp_path, variables)

    with pytest.raises(SettingRefused, match=complaint):
        house.prepare()
    house.stores.close()


def test_a_change_is_in_the_audit_trail_under_the_modules_name(five):
    five.ask("oppmg", "garden/plant", "bo", plant="rose")

    row = five.stage.stores.audit.page(0, 1000)[-1]
    assert (row.kind, row.subject, row.subject_id, row.actor) == ("bed:planted", "module", "garden", "user:2")
    assert row.detail == {"plant": "rose"}


def test_a_package_that_is_installed_is_found_by_its_entry_point(tmp_path, monkeypatch):
    described = tmp_path / "site" / "garden-1.0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: garden\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text("[lingpai.modules]\ngarden = tests.modules.garden:MODULE\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    house = open_house(tmp_path / "data", {})

    house.prepare()

    assert [call.name for call in house.modules["garden"].calls] == [
        "list",
        "plant",
        "tend",
        "wilt",
        "burn",
        "flood",
    ]
    assert {path for path in house.served["mowork"].contract.table if path.startswith("/garden/")}
    house.stores.close()


def test_a_package_in_a_folder_may_import_its_own_files(tmp_path, monkeypatch):
    package = tmp_path / "orchard"
    package.mkdir()
    (package / "trees.py").write_text("NAME = 'orchard'\n")
    (package / "__init__.py").write_text(
        "from lingpai.modules.module import BusinessCall, Module\n"
        "from orchard.trees import NAME\n"
        "MODULE = Module(name=NAME, build=lambda b, s: (BusinessCall(NAME, 'list', lambda c, q: None, public=True),))\n"
    )
    five = Five(Stage("mowork", {"module_files": (str(package),)}))

    assert five.ask("thinkjs", "orchard/list").number == 0
    assert five.ask("thinkjs", "notice/list").number == 0
    del sys.modules["orchard"], sys.modules["orchard.trees"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "module_files: .* is no Python file"),
        ("MODULE = 'garden'", "module_files: .* declares no MODULE"),
        (
            "from lingpai.modules.module import Module\nMODULE = Module(name='notice', build=list)",
            "two modules are called",
        ),
    ],
)
def test_a_file_that_is_no_module_is_refused_by_name(tmp_path, content, complaint):
    path = tmp_path / "garden.py"
    if content is not None:
        path.write_text(content)
    house = open_house(tmp_path / "data", {"LINGPAI_MODULE_FILES": str(path)})

    with pytest.raises(SettingRefused, match=complaint):
        house.prepare()
    house.stores.close()


def serving(monkeypatch, module):
    """Return which contracts serve *module*."""
    found = {"notice": NOTICES, "garden": module}
    monkeypatch.setattr("lingpai.composition.module_declarations", lambda _settings: found)
    served = Stage("mowork").house.served
    return {name: any("garden" in path for path in served[name].contract.table) for name in CONTRACTS}


def test_a_contract_that_has_no_rows_for_a_module_does_not_serve_it(monkeypatch):
    codes = {name: rows for name, rows in garden.MODULE.codes.items() if name != "oppmg"}

    houses = serving(monkeypatch, replace(garden.MODULE, codes=codes))

    assert houses == {name: name != "oppmg" for name in CONTRACTS}


def test_a_module_may_name_the_contracts_that_serve_it(monkeypatch):
    named = replace(garden.MODULE, contracts=("thinkjs", "postcard"))

    assert serving(monkeypatch, named) == {name: name == "thinkjs" for name in CONTRACTS}


def test_a_contract_that_is_named_but_has_no_rows_stops_the_start(monkeypatch):
    named = replace(garden.MODULE, contracts=("mowork",), codes={})

    with pytest.raises(ValueError, match="mowork: outcomes without a row: garden:taken, garden:wilted;"):
        serving(monkeypatch, named)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ((200, "1", "无", "none", Ending("garden", "never")), "rows without a use: garden:never$"),
        ((200, "1", "无", "none", Outcome.NOT_ALLOWED), "NOT_ALLOWED is not for the module garden to spell"),
        ((200, "1", "无", "none", Outcome.NOTHING_THERE), "NOTHING_THERE is not for the module garden to spell"),
        ((200, "1", "无", "none", garden.TAKEN), "two rows for garden:taken"),
        ((200, None, "无", "none", Ending("garden", "never")), "no number for 无"),
    ],
)
def test_a_row_that_does_not_add_up_stops_the_start(monkeypatch, row, complaint):
    codes = {"mowork": (*garden.MODULE.codes["mowork"], row)}

    with pytest.raises(ValueError, match=complaint):
        serving(monkeypatch, replace(garden.MODULE, codes=codes))


def test_a_module_without_endings_of_its_own_is_for_every_contract(monkeypatch):
    def calls(_bench, _settings):
        return (BusinessCall("garden", "list", lambda _caller, _question: None, public=True),)

    plain = replace(garden.MODULE, build=calls, codes={}, contracts=None)

    assert serving(monkeypatch, plain) == dict.fromkeys(CONTRACTS, True)


def rung(five, method, path, body=b"{}", **headers):
    """Return status and body of a request that no contract reads."""
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    status, _, came = five.stage.answer(method, path, [(k.decode(), v.decode()) for k, v in sent], body.decode())
    return status, came


def test_a_machine_rings_at_a_modules_hook(five):
    assert rung(five, "POST", "/hooks/garden/watered", b'{"a":1}', x_litres="3") == (202, b'{"a":1}')
    row = five.stage.stores.audit.page(0, 1000)[-1]
    assert (row.kind, row.actor, row.detail) == ("bed:watered", "system", {"litres": 3})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/hooks/garden/watered", b"", 405),
        ("POST", "/hooks/garden/other", b"", 404),
        ("POST", "/hooks/garden/watered", b"x" * 70_000, 413),
        ("POST", "/hooks/garden/watered", b"", 500),
    ],
)
def test_what_a_hook_cannot_do_is_a_bare_status(five, method, path, body, status):
    assert rung(five, method, path, body)[0] == status


def test_rings_are_counted_by_their_answers_and_written_down_with_the_reason(five, caplog):
    caplog.set_level(logging.INFO, "lingpai.edge.logbook")
    counted = five.stage.house.tally.hooks.copy()

    rung(five, "POST", "/hooks/garden/watered", b'{"hunter2":1}', x_litres="3")
    _, headers, _ = five.stage.answer("POST", "/hooks/garden/watered?hunter2", [], "hunter2")
    rung(five, "GET", "/hooks/garden/watered")

    assert five.stage.house.tally.hooks - counted == {
        ("/hooks/garden/watered", "202"): 1,
        ("/hooks/garden/watered", "500"): 1,
        ("/hooks/garden/watered", "405"): 1,
    }
    lines = [vars(record) for record in caplog.records if record.name == "lingpai.edge.logbook"]
    told = [(line["message"], line["hook"], line["outcome"], line["status"], line["address"]) for line in lines]
    assert told == [
        ("refused", "/hooks/garden/watered", "INTERNAL", 500, "127.0.0.1"),
        ("refused", "/hooks/garden/watered", "WRONG_METHOD", 405, "127.0.0.1"),
    ]
    assert "hunter2" not in str(lines)
    (failed,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert failed.request == lines[0]["request"] == headers["x-request-id"]


def test_a_ring_that_went_well_is_written_down_where_all_is_asked_for(five, caplog):
    caplog.set_level(logging.INFO, "lingpai.edge.logbook")
    rung(five, "POST", "/hooks/garden/watered", x_litres="3")
    assert caplog.records == []

    five.stage.settings["log"] = load_settings(None, {"LINGPAI_LOG__REQUESTS": "all"}).log
    five.stage._build()
    rung(five, "POST", "/hooks/garden/watered", x_litres="3")

    (line,) = caplog.records
    assert (line.message, line.hook, line.outcome, line.status) == ("answered", "/hooks/garden/watered", "OK", 202)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_ring_is_called_what_a_proxy_of_ours_calls_it_by_every_line_and_by_its_refusal(five, caplog, trusted):
    caplog.set_level(logging.INFO, "lingpai.edge.logbook")
    five.stage.settings["trusted_proxies"] = ("127.0.0.1",) if trusted else ()
    five.stage._build()
    path, named = "/hooks/garden/watered", []

    def run(_rung):
        request = current_request()
        named.append(request and request_id(request))
        raise Refused(Outcome.ARGUMENT_BAD)

    five.stage.house.hooks[path] = replace(five.stage.house.hooks[path], run=run)
    _, headers, _ = five.stage.answer("POST", path, [("X-Request-Id", "a-proxys.id_1")], "{}")

    (line,) = [record for record in caplog.records if record.name == "lingpai.edge.logbook"]
    assert named == [line.request] == [headers["x-request-id"]]
    assert (line.request == "a-proxys.id_1") is trusted


def test_tables_of_a_later_version_stop_the_start(tmp_path):
    variables = {"LINGPAI_MODULE_FILES": str(FILE)}
    house = open_house(tmp_path, variables)
    house.prepare()
    house.stores.migrations.migrate("garden", (*garden.MODULE.migrations, lambda _op: None))

    with pytest.raises(DataTrouble, match="tables of the module garden were made by a later version"):
        house.prepare()
    house.stores.close()
