"""Users, in SQL."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, select, update

from lingpai.stores.sql.asking import Asking
from lingpai.stores.sql.dialects import insert_unless_taken
from lingpai.stores.sql.tables import users
from lingpai.stores.sql.values import new_columns_of, user_of
from lingpai.vocabulary.values import User

NAMED = select(users).where(users.c.name_key == bindparam("key"))
WITH_PHONE = select(users).where(users.c.phone == bindparam("phone"), users.c.phone_verified.is_(True))
WITH_EMAIL = select(users).where(users.c.email == bindparam("email"), users.c.email_verified.is_(True))
BY_ID = select(users).where(users.c.id == bindparam("user_id"))
# Not FOR UPDATE: that would also wait for whoever only refers to the user.
LOCK = BY_ID.with_for_update(key_share=True)
PAGE = select(users).where(users.c.id > bindparam("after")).order_by(users.c.id).limit(bindparam("size"))

ADD = insert_unless_taken(users, users.c.id)
_CHANGED = update(users).where(users.c.id == bindparam("user_id"))
SET_PASSWORD = _CHANGED.values(password=bindparam("encoded"))
SET_ENABLED = _CHANGED.values(enabled=bindparam("allowed"))
SET_ADDRESSES = _CHANGED.values(
    phone=bindparam("number"),
    phone_verified=bindparam("number_proved"),
    email=bindparam("mail"),
    email_verified=bindparam("mail_proved"),
)
SET_COMPANY = _CHANGED.values(company_id=bindparam("chosen"))


class SqlAccounts:
    """Users, read."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def named(self, key: str) -> User | None:
        row = self._ask.row(NAMED, key=key)
        return user_of(row) if row else None

    def with_phone(self, phone: str) -> User | None:
        row = self._ask.row(WITH_PHONE, phone=phone)
        return user_of(row) if row else None

    def with_email(self, email: str) -> User | None:
        row = self._ask.row(WITH_EMAIL, email=email)
        return user_of(row) if row else None

    def by_id(self, user_id: int) -> User | None:
        row = self._ask.row(BY_ID, user_id=user_id)
        return user_of(row) if row else None

    def page(self, after: int, size: int) -> Sequence[User]:
        return [user_of(row) for row in self._ask.rows(PAGE, after=after, size=size)]


class SqlAccountBook(SqlAccounts):
    """Users, written."""

    def lock(self, user_id: int) -> User | None:
        row = self._ask.row(LOCK, user_id=user_id)
        return user_of(row) if row else None

    def add(self, user: User) -> User | None:
        row = self._ask.row(ADD, **new_columns_of(user))
        return replace(user, id=row[0]) if row else None

    def set_password(self, user_id: int, encoded: str) -> None:
        self._ask.rows(SET_PASSWORD, user_id=user_id, encoded=encoded)

    def set_enabled(self, user_id: int, *, enabled: bool) -> None:
        self._ask.rows(SET_ENABLED, user_id=user_id, allowed=enabled)

    def set_addresses(self, user: User) -> None:
        self._ask.rows(
            SET_ADDRESSES,
            user_id=user.id,
            number=user.phone,
            number_proved=user.phone_verified,
            mail=user.email,
            mail_proved=user.email_verified,
        )

    def set_company(self, user_id: int, company_id: int | None) -> None:
        self._ask.rows(SET_COMPANY, user_id=user_id, chosen=company_id)
