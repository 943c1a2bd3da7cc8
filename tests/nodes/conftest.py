"""Two nodes, each with a data folder of its own, on one PostgreSQL."""

import json
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest

from lingpai.composition import MASTER_KEY, open_house
from lingpai.operations.add_user import AddUser, NewUser
from lingpai.vocabulary.values import User
from tests.clients.conftest import running

NAME, PASSWORD = "mei", "correct horse battery"


@dataclass
class Node:
    """A server, asked in the words of thinkjs over a connection that is kept."""

    base_url: str

    def __post_init__(self):
        self._connection = HTTPConnection(self.base_url.removeprefix("http://"), timeout=20)

    def close(self):
        self._connection.close()

    def ask(self, method, path, token="", **members):
        """Return status and body."""
        headers = {"Content-Type": "application/json", "Authorization": token}
        body = json.dumps(members).encode() if members else None
        self._connection.request(method, f"/thinkjs/api/{path}", body, headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def sign_in(self):
        status, body = self.ask("POST", "system/token/create", username=NAME, password=PASSWORD)
        assert status == 200, body
        return body["data"]["token"]

    def who_am_i(self, token):
        return self.ask("GET", "system/user/info", token)

    def sign_out(self, token):
        return self.ask("POST", "system/token/delete", token)


@contextmanager
def two_nodes(folder, url):
    variables = {"DATABASE_URL": url}
    data = [folder / name / "data" for name in ("a", "b")]
    house = open_house(data[0], variables)
    house.prepare()
    AddUser(house.stores, house.clock)("operator", NewUser(User(0, NAME, "", ""), PASSWORD, ()))
    house.stop()
    data[1].mkdir(parents=True, mode=0o700)
    shutil.copy2(data[0] / MASTER_KEY, data[1] / MASTER_KEY)
    with ExitStack() as stack:
        nodes = [Node(stack.enter_context(running(each, **variables))) for each in data]
        for node in nodes:
            stack.callback(node.close)
        yield nodes


@pytest.fixture
def nodes(tmp_path, postgres_url):
    with two_nodes(tmp_path, postgres_url) as both:
        yield both


@pytest.fixture
def nodes_of_own(tmp_path, own_postgres):
    """Two nodes on a server that may be stopped and killed."""
    with two_nodes(tmp_path, own_postgres.new_database()) as both:
        yield both
        own_postgres.go_on()
