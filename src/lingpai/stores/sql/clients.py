"""Client apps, in SQL."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select, update

from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.dialects import insert_unless_taken
from lingpai.stores.sql.tables import clients
from lingpai.stores.sql.values import client_of, columns_of
from lingpai.vocabulary.values import Client

BY_ID = select(clients).where(clients.c.id == bindparam("client_id"))
LOCK = BY_ID.with_for_update(key_share=True)
PAGE = select(clients).where(clients.c.id > bindparam("after")).order_by(clients.c.id).limit(bindparam("size"))

ADD = insert_unless_taken(clients, clients.c.id)
SAVE = update(clients).where(clients.c.id == bindparam("client_id"))


class SqlClients:
    """Client apps, read."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def by_id(self, client_id: str) -> Client | None:
        row = self._ask.row(BY_ID, client_id=client_id)
        return client_of(row) if row else None

    def page(self, after: str, size: int) -> Sequence[Client]:
        return [client_of(row) for row in self._ask.rows(PAGE, after=after, size=size)]


class SqlClientBook(SqlClients):
    """Client apps, written."""

    def lock(self, client_id: str) -> Client | None:
        row = self._ask.row(LOCK, client_id=client_id)
        return client_of(row) if row else None

    def add(self, client: Client) -> bool:
        return self._ask.row(ADD, **columns_of(client)) is not None

    def save(self, client: Client) -> None:
        self._ask.rows(SAVE, client_id=client.id, **columns_of(client))
