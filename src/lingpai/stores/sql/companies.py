"""Companies and who belongs to them, in SQL."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, delete, insert, select

from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.dialects import insert_or_replace
from lingpai.stores.sql.tables import companies, memberships, users
from lingpai.stores.sql.values import company_of, membership_of, new_columns_of, user_of
from lingpai.vocabulary.values import Company, Member, Membership

BY_ID = select(companies).where(companies.c.id == bindparam("company_id"))
PAGE = select(companies).where(companies.c.id > bindparam("after")).order_by(companies.c.id).limit(bindparam("size"))
MEMBERSHIPS = (
    select(memberships.c.company_id, companies.c.name, memberships.c.is_admin)
    .join(companies, companies.c.id == memberships.c.company_id)
    .where(memberships.c.user_id == bindparam("user_id"))
    .order_by(memberships.c.company_id)
)
MEMBERS = (
    select(users, memberships.c.is_admin)
    .join(memberships, memberships.c.user_id == users.c.id)
    .where(memberships.c.company_id == bindparam("company_id"), users.c.id > bindparam("after"))
    .order_by(users.c.id)
    .limit(bindparam("size"))
)

ADD = insert(companies).returning(companies.c.id)
JOIN = insert_or_replace(memberships, key=["user_id", "company_id"], replaced=["is_admin"])
LEAVE = (
    delete(memberships)
    .where(memberships.c.user_id == bindparam("user_id"), memberships.c.company_id == bindparam("company_id"))
    .returning(memberships.c.company_id)
)


class SqlCompanies:
    """Companies, read."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def by_id(self, company_id: int) -> Company | None:
        row = self._ask.row(BY_ID, company_id=company_id)
        return company_of(row) if row else None

    def page(self, after: int, size: int) -> Sequence[Company]:
        return [company_of(row) for row in self._ask.rows(PAGE, after=after, size=size)]

    def members(self, company_id: int, after: int, size: int) -> Sequence[Member]:
        rows = self._ask.rows(MEMBERS, company_id=company_id, after=after, size=size)
        return [Member(user_of(row[:-1]), bool(row[-1])) for row in rows]

    def memberships(self, user_id: int) -> tuple[Membership, ...]:
        return tuple(membership_of(row) for row in self._ask.rows(MEMBERSHIPS, user_id=user_id))


class SqlCompanyBook(SqlCompanies):
    """Companies, written."""

    def add(self, company: Company) -> Company:
        (row,) = self._ask.rows(ADD, **new_columns_of(company))
        return replace(company, id=row[0])

    def join(self, user_id: int, company_id: int, *, is_admin: bool) -> None:
        self._ask.rows(JOIN, user_id=user_id, company_id=company_id, is_admin=is_admin)

    def leave(self, user_id: int, company_id: int) -> bool:
        return self._ask.row(LEAVE, user_id=user_id, company_id=company_id) is not None
