"""Sessions, in SQL: the hot read, the endings that happen once, and the traces of use."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Text,
    Update,
    bindparam,
    case,
    cast,
    column,
    func,
    insert,
    or_,
    select,
    update,
)

from lingpai.stores.sql.asking import Asking, Row, Statement
from lingpai.stores.sql.bounded import delete_chosen
from lingpai.stores.sql.dialects import PerDialect
from lingpai.stores.sql.engine import Database
from lingpai.stores.sql.tables import clients, companies, generations, memberships, sessions, users
from lingpai.stores.sql.values import client_of, columns_of, membership_of, session_of, user_of
from lingpai.vocabulary.clock import Clock
from lingpai.vocabulary.outcomes import Reason
from lingpai.vocabulary.values import Session, SessionsWanted, Sighting, Standing

# One statement, so one moment on every engine; a row for each membership (a join is
# 40 µs faster than two statements in one transaction).
_STANDING = (
    select(sessions, users, clients, memberships.c.company_id, companies.c.name, memberships.c.is_admin)
    .join(users, users.c.id == sessions.c.user_id)
    .join(clients, clients.c.id == sessions.c.client_id)
    .outerjoin(memberships, memberships.c.user_id == sessions.c.user_id)
    .outerjoin(companies, companies.c.id == memberships.c.company_id)
    .order_by(memberships.c.company_id)
)
STANDING = _STANDING.where(sessions.c.token_digest == bindparam("token_digest"))
STANDING_ANY = _STANDING.where(sessions.c.token_digest.in_(bindparam("token_digests", expanding=True)))
STANDING_OF = _STANDING.where(sessions.c.id == bindparam("session_id"))

_USER_AT = len(sessions.c)
_CLIENT_AT = _USER_AT + len(users.c)
_MEMBERSHIP_AT = _CLIENT_AT + len(clients.c)

_OF_USER = select(sessions).where(sessions.c.user_id == bindparam("user_id"))
OF_USER = _OF_USER.order_by(sessions.c.began.desc(), sessions.c.id.desc())
LIVE = _OF_USER.where(
    sessions.c.client_id == bindparam("client_id"),
    sessions.c.ended.is_(None),
    sessions.c.end > bindparam("at"),
    or_(sessions.c.idle_end.is_(None), sessions.c.idle_end > bindparam("at")),
).order_by(sessions.c.began, sessions.c.id)

OPEN = insert(sessions)
SET_COMPANY = update(sessions).where(sessions.c.id == bindparam("session_id")).values(company_id=bindparam("chosen"))

_END = (
    update(sessions)
    .where(sessions.c.ended.is_(None))
    .values(ended=bindparam("at"), end_reason=bindparam("reason"))
    .returning(sessions.c.id)
)
END = _END.where(sessions.c.id == bindparam("session_id"))
END_THESE = _END.where(sessions.c.id.in_(bindparam("which", expanding=True)))
# Several rows are locked in the order of their ids, here as in `SAW`, so that two changes never wait for each other.
_UNENDED = (
    select(sessions.c.id)
    .where(sessions.c.ended.is_(None), sessions.c.user_id == bindparam("of_user"))
    .order_by(sessions.c.id)
    .with_for_update(key_share=True)
)
END_OF_USER = _END.where(sessions.c.id.in_(_UNENDED.where(sessions.c.id != bindparam("but"))))
END_IN_COMPANY = _END.where(sessions.c.id.in_(_UNENDED.where(sessions.c.company_id == bindparam("of_company"))))

# Asked when a key is rotated, and at no other time: they may read the whole table.
_LATEST_END = select(func.max(sessions.c.end)).where(sessions.c.ended.is_(None))
_RESTING = (
    select(sessions.c.id)
    .where(
        sessions.c.ended.is_(None),
        sessions.c.began <= bindparam("at"),
        sessions.c.end > bindparam("at"),
        or_(sessions.c.idle_end.is_(None), sessions.c.idle_end > bindparam("at")),
    )
    .order_by(sessions.c.id)
    .limit(bindparam("most"))
    .with_for_update(key_share=True)
)
_NEWEST_KEY = (
    select(generations.c.key_id)
    .where(generations.c.session_id == sessions.c.id)
    .order_by(generations.c.number.desc())
    .limit(1)
    .correlate(sessions)
    .scalar_subquery()
)


def _live(at: object) -> tuple[ColumnElement[bool], ...]:
    return (
        sessions.c.ended.is_(None),
        sessions.c.end > at,
        or_(sessions.c.idle_end.is_(None), sessions.c.idle_end > at),
    )


def _rests(contract: str | None) -> ColumnElement[bool]:
    return sessions.c.token_digest.is_not(None) if contract is None else sessions.c.contract == contract


# Each of the three has its own index; generations and codes go with their session.
_OVER = (
    select(sessions.c.id)
    .where(
        or_(
            sessions.c.end < bindparam("before"),
            sessions.c.ended < bindparam("before"),
            sessions.c.idle_end < bindparam("before"),
        ),
    )
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
DELETE_OVER = delete_chosen(sessions, _OVER)


def _saw(*told: ColumnElement[Any]) -> Update:
    """Return the update that writes the sightings *told*: each one's session id, when, and its new idle end."""
    session_id, seen, idle_end = told
    # Materialized, or SQLite reads each part from the text again wherever it is named.
    batch = (
        select(session_id.label("id"), func.max(seen).label("seen"), func.max(idle_end).label("idle_end"))
        .group_by(session_id)
        .cte("batch")
        .prefix_with("MATERIALIZED")
    )
    # Whichever is later, the use or the writing of it: between them somebody can have been told that it is over.
    by_then = case((batch.c.seen < _NOW, _NOW), else_=batch.c.seen)
    return (
        update(sessions)
        .where(
            sessions.c.id == batch.c.id,
            sessions.c.ended.is_(None),
            sessions.c.end > by_then,
            or_(sessions.c.idle_end.is_(None), sessions.c.idle_end > by_then),
        )
        .values(
            last_seen=case((sessions.c.last_seen < batch.c.seen, batch.c.seen), else_=sessions.c.last_seen),
            idle_end=case((sessions.c.idle_end < batch.c.idle_end, batch.c.idle_end), else_=sessions.c.idle_end),
        )
    )


def _saw_on_sqlite() -> Update:
    each = func.json_each(_BATCH).table_valued("value").c.value
    return _saw(*(func.json_extract(each, f"$.{name}", type_=kind) for name, kind in _TOLD))


def _saw_on_postgresql() -> Update:
    columns = [column(name, kind) for name, kind in _TOLD]
    told = func.json_to_recordset(cast(_BATCH, JSON)).table_valued(*columns).render_derived("told", with_types=True)
    # Locked in the order of their ids first, so that two changes never wait for each other's rows.
    locked = (
        select(sessions.c.id)
        .where(sessions.c.id.in_(select(told.c.id)))
        .order_by(sessions.c.id)
        .with_for_update(key_share=True)
        .cte("locked")
    )
    return _saw(told.c.id, told.c.seen, told.c.idle_end).where(sessions.c.id.in_(select(locked.c.id)))


_NOW = bindparam("now", type_=BigInteger)
_BATCH = bindparam("batch", type_=Text)
_TOLD = ("id", Text), ("seen", BigInteger), ("idle_end", BigInteger)
# A batch is one text of JSON, written by one statement: half of what one execution for each row takes.
SAW = PerDialect(_saw_on_sqlite(), _saw_on_postgresql())
ISSUE = (
    update(sessions)
    .where(
        sessions.c.id == bindparam("session_id"),
        sessions.c.ended.is_(None),
        sessions.c.last_issued == bindparam("shown"),
    )
    .values(last_issued=bindparam("fresh"))
    .returning(sessions.c.id)
)


class SqlSessions:
    """Sessions, read."""

    def __init__(self, ask: Asking) -> None:
        self._ask = ask

    def standing(self, *token_digests: bytes) -> Standing | None:
        if len(token_digests) == 1:
            return _standing(self._ask.rows(STANDING, token_digest=token_digests[0]))
        return _standing(self._ask.rows(STANDING_ANY, token_digests=token_digests))

    def standing_of(self, session_id: str) -> Standing | None:
        return _standing(self._ask.rows(STANDING_OF, session_id=session_id))

    def of_user(self, user_id: int) -> Sequence[Session]:
        return [session_of(row) for row in self._ask.rows(OF_USER, user_id=user_id)]

    def find(self, wanted: SessionsWanted, size: int) -> Sequence[Session]:
        asked = select(sessions).order_by(sessions.c.began.desc(), sessions.c.id.desc()).limit(size)
        if wanted.user_id is not None:
            asked = asked.where(sessions.c.user_id == wanted.user_id)
        if wanted.contract:
            asked = asked.where(sessions.c.contract == wanted.contract)
        if wanted.client_id:
            asked = asked.where(sessions.c.client_id == wanted.client_id)
        if wanted.live_at is not None:
            asked = asked.where(*_live(wanted.live_at))
        return [session_of(row) for row in self._ask.rows(asked)]

    def latest_end(self, contract: str | None) -> int:
        ((end,),) = self._ask.rows(_LATEST_END.where(_rests(contract)))
        return end or 0


class SqlSessionBook(SqlSessions):
    """Sessions, written."""

    def open(self, session: Session) -> None:
        self._ask.rows(OPEN, **columns_of(session))

    def end(self, session_id: str, reason: Reason, at: int) -> bool:
        return bool(self._end(END, reason, at, session_id=session_id))

    def end_of_user(self, user_id: int, reason: Reason, at: int, *, but: str = "") -> Sequence[str]:
        return self._end(END_OF_USER, reason, at, of_user=user_id, but=but)

    def end_in_company(self, user_id: int, company_id: int, reason: Reason, at: int) -> Sequence[str]:
        return self._end(END_IN_COMPANY, reason, at, of_user=user_id, of_company=company_id)

    def end_resting(
        self, contract: str | None, key_ids: Sequence[int], reason: Reason, at: int, most: int
    ) -> Sequence[str]:
        resting = _RESTING.where(_rests(contract))
        if key_ids:
            resting = resting.where(_NEWEST_KEY.in_(key_ids))
        # Not as one statement: PostgreSQL may evaluate a limited query that locks once for each row that it updates.
        which = [row[0] for row in self._ask.rows(resting, at=at, most=most)]
        return self._end(END_THESE, reason, at, which=which)

    def live(self, user_id: int, client_id: str, at: int) -> Sequence[Session]:
        return [session_of(row) for row in self._ask.rows(LIVE, user_id=user_id, client_id=client_id, at=at)]

    def set_company(self, session_id: str, company_id: int) -> None:
        self._ask.rows(SET_COMPANY, session_id=session_id, chosen=company_id)

    def delete_over(self, before: int, most: int) -> int:
        return len(self._ask.rows(DELETE_OVER, before=before, most=most))

    def _end(self, statement: Statement, reason: Reason, at: int, **which: object) -> Sequence[str]:
        return [row[0] for row in self._ask.rows(statement, reason=reason.value, at=at, **which)]


class SqlTraces:
    """What is written of a session's use, each batch in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def saw(self, sightings: Sequence[Sighting]) -> None:
        if not sightings:
            return
        batch = msgspec.json.encode(
            [{"id": each.session_id, "seen": each.seen, "idle_end": each.idle_end} for each in sightings]
        ).decode()
        with self._database.writing() as transaction:
            transaction.rows(SAW, batch=batch, now=self._clock())

    def issue(self, session_id: str, shown: int, fresh: int) -> bool:
        with self._database.writing() as transaction:
            return transaction.row(ISSUE, session_id=session_id, shown=shown, fresh=fresh) is not None


def _standing(rows: Sequence[Row]) -> Standing | None:
    if not rows:
        return None
    first = rows[0]
    return Standing(
        session_of(first[:_USER_AT]),
        user_of(first[_USER_AT:_CLIENT_AT]),
        client_of(first[_CLIENT_AT:_MEMBERSHIP_AT]),
        tuple(membership_of(row[_MEMBERSHIP_AT:]) for row in rows if row[_MEMBERSHIP_AT] is not None),
    )
