"""Deleting no more than so many rows in one statement."""

from typing import Any

from sqlalchemy import Select, Table, delete, select, tuple_
from sqlalchemy.sql.dml import ReturningDelete


def delete_chosen(table: Table, chosen: Select[Any]) -> ReturningDelete[Any]:
    """
    Return the deletion of the rows whose keys *chosen* selects, which tells the first part of each key.

    They are chosen once. PostgreSQL may run a sub-select that locks or limits again for each row that it looks at,
    and finds other rows each time, since those that it has deleted meanwhile are passed over.
    """
    once = chosen.cte("chosen").prefix_with("MATERIALIZED")
    key = [table.c[column.name] for column in once.c]
    wanted = key[0] if len(key) == 1 else tuple_(*key)
    return delete(table).where(wanted.in_(select(once))).returning(key[0])
