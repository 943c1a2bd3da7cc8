"""
The tables, as SQLAlchemy Core sees them; `migrations` makes them.

The columns of a table that keeps a value of `vocabulary` are the value's fields, in
their order. Times are milliseconds since 1970.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s",
    },
)

# SQLite numbers rows by itself only where the type is spelt INTEGER, which is as wide there as BIGINT.
RowNumber = BigInteger().with_variant(Integer, "sqlite")


def _words(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


users = Table(
    "users",
    metadata,
    Column("id", RowNumber, primary_key=True),
    _words("name"),
    Column("name_key", Text, nullable=False, unique=True),
    _words("password"),
    Column("enabled", Boolean, nullable=False),
    _words("truename"),
    _words("nickname"),
    _words("sex"),
    _words("phone"),
    Column("phone_verified", Boolean, nullable=False),
    _words("email"),
    Column("email_verified", Boolean, nullable=False),
    _words("avatar"),
    _words("status"),
    _words("role"),
    Column("company_id", ForeignKey("companies.id")),
    Column("created", BigInteger, nullable=False),
    Column("name_skeleton", Text),
    Index("users_name_skeleton", "name_skeleton", unique=True),
)
Index(
    "users_proved_email",
    users.c.email,
    unique=True,
    sqlite_where=users.c.email_verified.is_(True),
    postgresql_where=users.c.email_verified.is_(True),
)
Index(
    "users_proved_phone",
    users.c.phone,
    unique=True,
    sqlite_where=users.c.phone_verified.is_(True),
    postgresql_where=users.c.phone_verified.is_(True),
)

companies = Table(
    "companies",
    metadata,
    Column("id", RowNumber, primary_key=True),
    _words("name"),
    _words("type"),
    _words("tax_number"),
    _words("province"),
    _words("city"),
    _words("zone"),
    _words("address"),
    _words("disable"),
    _words("tel_phone"),
    _words("legal_person_phone"),
    _words("legal_person_name"),
    Column("created", BigInteger, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("company_id", ForeignKey("companies.id"), primary_key=True),
    Column("is_admin", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

clients = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    _words("name"),
    Column("enabled", Boolean, nullable=False),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("secret_made", BigInteger, nullable=False),
    Column("old_digest", LargeBinary, nullable=False),
    Column("old_sealed", LargeBinary, nullable=False),
    Column("old_end", BigInteger),
    _words("contracts"),
    _words("scope"),
    Column("desktop", Boolean, nullable=False),
    _words("language"),
    Column("most_sessions", BigInteger),
    Column("replaces", Boolean, nullable=False),
    _words("refresh_reuse"),
    # What was said, as JSON (see `values.py`); empty where nothing was.
    _words("policies"),
    Column("created", BigInteger, nullable=False),
)

# By day first: what is asked for, and what is deleted, are the days after or before one.
weak_uses = Table(
    "weak_uses",
    metadata,
    Column("day", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("contract", Text, primary_key=True),
    Column("form", Text, primary_key=True),
    Column("uses", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("client_id", ForeignKey("clients.id"), nullable=False),
    _words("contract"),
    _words("client_type"),
    Column("token_digest", LargeBinary, unique=True),
    Column("company_id", ForeignKey("companies.id")),
    Column("began", BigInteger, nullable=False),
    Column("idle_end", BigInteger),
    Column("end", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("last_issued", BigInteger, nullable=False),
    Column("ended", BigInteger),
    Column("end_reason", Text),
    # A user's sessions; those not ended; those not ended at one client.
    Index("sessions_of_user", "user_id", "ended", "client_id"),
    # What was over before some time: one index for each way to be over.
    Index("sessions_end", "end"),
    Index(
        "sessions_ended", "ended", sqlite_where=text("ended IS NOT NULL"), postgresql_where=text("ended IS NOT NULL")
    ),
    Index(
        "sessions_idle_end",
        "idle_end",
        sqlite_where=text("idle_end IS NOT NULL"),
        postgresql_where=text("idle_end IS NOT NULL"),
    ),
)

generations = Table(
    "generations",
    metadata,
    Column("session_id", ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("company_id", BigInteger, nullable=False),
    Column("issued", BigInteger, nullable=False),
    Column("key_id", BigInteger, nullable=False),
    Column("exchanged", BigInteger),
    Column("set_aside", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

codes = Table(
    "codes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    _words("client_id"),
    Column("user_id", BigInteger, nullable=False),
    Column("session_id", ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    _words("scope"),
    Column("company_id", BigInteger),
    Column("end", BigInteger, nullable=False),
    Index("codes_session_id", "session_id"),
    Index("codes_end", "end"),
    sqlite_with_rowid=False,
)

failures = Table(
    "failures",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("network", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("next", BigInteger, nullable=False),
    Column("latest", BigInteger, nullable=False),
    Column("known", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Index("failures_end", "end"),
    sqlite_with_rowid=False,
)

notices = Table(
    "notices",
    metadata,
    Column("id", RowNumber, primary_key=True),
    _words("title"),
    _words("content"),
    Column("author_id", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", RowNumber, primary_key=True),
    _words("purpose"),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("begins", BigInteger, nullable=False),
    Column("ends", BigInteger),
    Index("keys_purpose", "purpose"),
)

# How many of its steps each module's own tables have made.
modules = Table(
    "modules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("steps", Integer, nullable=False),
)

# One row, whose id is 1.
moments = Table(
    "moments",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
)

# Numbers grow (on SQLite by one) and are never given twice: audit rows are not deleted, and the newest feed entry is
# always kept.
feed = Table(
    "feed",
    metadata,
    Column("number", RowNumber, primary_key=True),
    Column("at", BigInteger, nullable=False),
    _words("subject"),
    _words("subject_id"),
    # On PostgreSQL the transaction that told it (see `snapshots.py`), filled by default; on SQLite nothing.
    Column("xid", BigInteger),
    Index("feed_at", "at"),
    Index("feed_xid", "xid", sqlite_where=text("xid IS NOT NULL")),
)

audit = Table(
    "audit",
    metadata,
    Column("number", RowNumber, primary_key=True),
    Column("at", BigInteger, nullable=False),
    _words("kind"),
    _words("subject"),
    _words("subject_id"),
    _words("actor"),
    Column("detail", JSON, nullable=False),
)

# Beside the trail, not in it: on PostgreSQL a lower number can commit after a higher one, so the order of
# the chain is that of sealing. Whoever inserts a position first has sealed it.
seals = Table(
    "seals",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("key_id", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("seals_number", "number", unique=True),
    sqlite_with_rowid=False,
)
