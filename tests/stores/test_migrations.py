"""The schema: what the scripts make is what the statements expect, however it came about."""

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from lingpai.stores.sql import (
    accounts,
    clients,
    codes,
    feed,
    generations,
    migrations,
    seals,
    sessions,
    tables,
    tries,
    weak_uses,
)
from lingpai.stores.sql.values import names_of
from lingpai.vocabulary import events, policies, values
from tests.stores.programs import OPEN, open_at
from tests.stores.samples import client, done


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_the_scripts_make_the_tables_that_the_statements_ask(request, engine):
    with request.getfixturevalue(engine)._database._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, tables.metadata) == []


def test_head_names_the_newest_script():
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])

    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


@pytest.mark.parametrize(
    ("table", "value"),
    [
        (tables.users, values.User),
        (tables.companies, values.Company),
        (tables.clients, values.Client),
        (tables.sessions, values.Session),
        (tables.generations, values.Generation),
        (tables.codes, values.AuthCode),
        (tables.failures, values.Tries),
        (tables.notices, values.Notice),
        (tables.keys, values.WorkingKey),
        (tables.audit, events.AuditRow),
        (tables.seals, events.Seal),
        (tables.weak_uses, policies.WeakUse),
    ],
    ids=str,
)
def test_the_columns_are_the_fields_of_the_value_in_their_order(table, value):
    assert table.c.keys() == list(names_of(value))


@pytest.fixture(params=["sqlite", "postgres"])
def new_place(request):
    if request.param == "sqlite":
        yield request.getfixturevalue("path")
        return
    databases = request.getfixturevalue("databases")
    url = databases.empty()
    yield url
    databases.drop(url)


def test_many_processes_may_make_the_database_at_once(new_place):
    command = [sys.executable, "-c", OPEN, str(new_place)]
    starting = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)]

    assert [each.communicate() for each in starting] == [("0\n", "")] * 6


def test_a_database_of_a_later_version_is_not_opened(shared_house, place, clock):
    with shared_house._database.writing() as transaction:
        transaction._connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(CommandError, match="9999"):
        open_at(place, clock)


@pytest.mark.parametrize(
    "statement",
    [
        sessions.STANDING,
        sessions.STANDING_OF,
        sessions.OF_USER,
        sessions.LIVE,
        sessions.END,
        sessions.END_OF_USER,
        sessions.END_IN_COMPANY,
        sessions.DELETE_OVER,
        sessions.SAW.sqlite,
        sessions.ISSUE,
        generations.CLAIM,
        generations.NEWEST,
        codes.DELETE_OVER,
        clients.PAGE,
        tries.OF,
        tries.FIND,
        tries.FORGET,
        tries.DELETE_OVER,
        accounts.WITH_PHONE,
        accounts.WITH_EMAIL,
        feed.LAST,
        feed.SINCE,
        feed.DELETE_OVER.sqlite,
        feed.AUDIT_FIND,
        feed.AUDIT_NEWEST,
        seals.HEAD,
        seals.OF,
        seals.PAGE,
        seals.UNSEALED,
        weak_uses.SINCE,
        weak_uses.SINCE_OF,
        weak_uses.DELETE_OVER,
    ],
    ids=lambda statement: " ".join(str(statement).split())[-60:],
)
def test_no_statement_reads_a_whole_table(sqlite, statement):
    with sqlite._database._engine.connect() as connection:
        asked = statement.compile(connection)
        nothing = tuple(None for _ in asked.positiontup)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", nothing).all()

    # What was sent with the question, and what was made of that, is no table of ours.
    assert [step for *_, step in plan if step.startswith("SCAN") and step.split()[1] in tables.metadata.tables] == []


OLD_USER = (
    "INSERT INTO users (name, name_key, password, enabled, truename, nickname, sex, phone, phone_verified, email, "
    "avatar, status, role, created) VALUES ('{0}', '{0}', '', TRUE, '', '', '3', '', FALSE, '', '', '', '', 1)"
)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_users_from_before_looks_were_compared_keep_their_names_and_the_oldest_of_those_alike_its_look(request, engine):
    stores = request.getfixturevalue(engine)
    with stores._database._engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        config = Config()
        config.set_main_option("script_location", migrations.__path__[0])
        for table in ("failures", "users"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("DROP TABLE failures")
        for index in ("users_proved_email", "users_name_skeleton"):
            connection.exec_driver_sql(f"DROP INDEX {index}")
        for column in ("email_verified", "name_skeleton"):
            connection.exec_driver_sql(f"ALTER TABLE users DROP COLUMN {column}")
        for name in ("paypal", "paypa1", "PAYPAL", "mei"):
            connection.exec_driver_sql(OLD_USER.format(name))
        script = ScriptDirectory.from_config(config).get_revision("0004").module
        with Operations.context(MigrationContext.configure(connection)):
            script.upgrade()
        connection.exec_driver_sql("COMMIT")

    kept = [(one.name, one.name_skeleton, one.email_verified) for one in stores.accounts.page(0, 9)]
    assert kept == [
        ("paypal", "paypal", False),
        ("paypa1", None, False),
        ("PAYPAL", None, False),
        ("mei", "rnel", False),
    ]


def test_clients_that_were_let_use_weaker_forms_are_let_by_a_policy(sqlite):
    """The step back to the flag, then the script itself, on rows as they were."""
    with sqlite.change(done()) as change:
        for name in ("flagged", "plain"):
            change.clients.add(client(name))
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    script = ScriptDirectory.from_config(config).get_revision("0006").module
    with sqlite._database.writing() as transaction:
        connection = transaction._connection
        for words in (
            "DROP TABLE weak_uses",
            "ALTER TABLE clients DROP COLUMN policies",
            "ALTER TABLE clients ADD COLUMN api_token_forms BOOLEAN NOT NULL DEFAULT 0",
            "UPDATE clients SET api_token_forms = 1 WHERE id = 'flagged'",
        ):
            connection.exec_driver_sql(words)
        with Operations.context(MigrationContext.configure(connection)):
            script.upgrade()

    flagged = sqlite.clients.by_id("flagged").policies
    assert flagged == policies.policies([policies.Policy("id-day-md5")], [], [])
    assert sqlite.clients.by_id("plain").policies is policies.FREE
