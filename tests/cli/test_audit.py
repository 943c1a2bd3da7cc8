"""`lingpai audit`: what an operator sees of the trail, and what it says when somebody was at the database."""

import csv
import io
import json
import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def audit(lingpai, demo):
    """Run a command of `lingpai audit` on the demo."""
    return lambda *words, **variables: lingpai("audit", *words, "--data", demo.data, **variables)


def attack(demo, statement):
    with closing(sqlite3.connect(demo.data / "lingpai.db")) as connection:
        connection.execute(statement)
        connection.commit()


def test_rows_are_found_by_subject_actor_kind_and_time(audit):
    everything = audit("list", "--limit", 1000, "--json").json
    assert [row["number"] for row in everything] == list(range(len(everything), 0, -1))
    users = audit("list", "--subject", "user", "--kind", "user:added", "--json").json
    assert {row["kind"] for row in users} == {"user:added"}
    assert all(row["subject_id"].isdecimal() and row["detail"]["name"] for row in users)
    one = audit("list", "--subject", f"user:{users[0]['subject_id']}", "--json").json
    assert {row["subject_id"] for row in one} == {users[0]["subject_id"]}
    assert audit("list", "--actor", "system", "--since", "2h", "--json").json != []
    assert audit("list", "--since", "2999-01-01", "--json").json == []
    assert "user:added" in audit("list", "--limit", 1000).out


@pytest.mark.parametrize("words", [["--subject", "usr:1"], ["--since", "soon"], ["--since", "99999999999d"]], ids=str)
def test_what_cannot_be_looked_for_is_one_line(audit, words):
    assert audit("list", *words).is_refused(words[0])


def test_one_row_is_shown_with_its_seal(audit):
    row = audit("show", 3, "--json").json

    assert (row["number"], row["position"]) == (3, 3)
    assert row["hash"] in audit("show", 3).out
    assert audit("show", 3).out.splitlines()[0].split() == ["number", "3"]
    assert audit("show", 9999).is_refused("9999")


def test_an_untouched_trail_is_whole_also_after_a_command_that_changed_something(audit, lingpai, demo, tmp_path):
    head = audit("head")
    (tmp_path / "heads").write_text(f'{{"message": "audit head: {head.out.strip()}"}}\nsomething else\n')
    lingpai("company", "add", "和园", "--data", demo.data)

    report = audit("verify", "--head", tmp_path / "heads", "--json").json

    assert (report["whole"], report["waiting"], report["faults"]) == (True, 0, [])
    assert report["head"]["position"] == int(head.out.split()[0]) + 1 == report["checked"]
    assert audit("verify").code == 0


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE number = 5", "row 5 is not what was sealed"),
        ("DELETE FROM audit WHERE number = 5", "row 5 is missing"),
        ("DELETE FROM seals WHERE position = 5", "positions 5 to 5: the seals are missing"),
        ("INSERT INTO audit SELECT 900, 1, kind, subject, subject_id, actor, detail FROM audit LIMIT 1", "row 900"),
        ("UPDATE seals SET hash = zeroblob(32) WHERE position = 5", "the seal of row 5 was changed"),
    ],
)
def test_what_was_done_to_the_database_is_said_and_ends_with_1(audit, demo, statement, told):
    attack(demo, statement)

    ran = audit("verify")

    assert ran.code == 1
    assert told in ran.out
    assert "Traceback" not in ran.err
    assert audit("verify", LANG="zh_CN.UTF-8").code == 1


def test_an_end_that_was_cut_off_is_seen_by_the_copy_of_it(audit, demo, tmp_path):
    (tmp_path / "heads").write_text(audit("head").out)
    attack(demo, "DELETE FROM audit WHERE number > 40")
    attack(demo, "DELETE FROM seals WHERE number > 40")

    assert audit("verify").code == 0
    ran = audit("verify", "--head", tmp_path / "heads")
    assert ran.code == 1
    assert "the chain ends at 40: its end was cut off" in ran.out


def test_a_file_without_a_head_is_said(audit, tmp_path):
    (tmp_path / "heads").write_text("nothing")

    assert audit("verify", "--head", tmp_path / "heads").is_refused("heads")
    assert audit("verify", "--head", tmp_path / "none").is_refused("none")


def test_the_trail_is_exported_in_the_order_of_its_seals_and_goes_on_after_a_position(audit, lingpai, demo):
    lines = [json.loads(line) for line in audit("export").out.splitlines()]
    assert [line["position"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["hash"] == audit("head").out.split()[1]

    lingpai("company", "add", "=HYPERLINK(1)", "--data", demo.data)
    (more,) = audit("export", "--after", len(lines)).out.splitlines()
    assert json.loads(more)["detail"] == {"name": "=HYPERLINK(1)"}
    table = list(csv.reader(io.StringIO(audit("export", "--format", "csv").out)))
    assert len(table) == len(lines) + 2
    assert not any(cell.startswith("=") for row in table for cell in row)


def test_no_secret_is_exported(audit, demo):
    secrets = [user["password"] for user in demo.made["users"]]
    secrets += [client["client_secret"] for client in demo.made["clients"]]
    exported = audit("export").out + audit("export", "--format", "csv").out + audit("list", "--limit", 1000).out

    assert [secret for secret in secrets if secret in exported] == []
