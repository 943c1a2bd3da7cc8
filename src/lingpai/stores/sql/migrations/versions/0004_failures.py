"""What failed sign-ins leave behind, and what makes names alike."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    false,
    select,
    text,
    update,
)

from lingpai.vocabulary.lookalikes import skeleton

revision = "0004"
down_revision = "0003"

PAGE = 1000

users = Table("users", MetaData(), Column("id", BigInteger), Column("name_key", Text), Column("name_skeleton", Text))


def upgrade() -> None:
    """Add what sign-ins are counted in, and to users whether their e-mail is proved and what their name looks like."""
    op.create_table(
        "failures",
        Column("digest", LargeBinary, primary_key=True),
        Column("network", Text, primary_key=True),
        Column("count", Integer, nullable=False),
        Column("next", BigInteger, nullable=False),
        Column("latest", BigInteger, nullable=False),
        Column("known", BigInteger, nullable=False),
        Column("end", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("failures_end", "failures", ["end"])
    op.add_column("users", Column("email_verified", Boolean, nullable=False, server_default=false()))
    op.add_column("users", Column("name_skeleton", Text))
    proved = (
        text("email_verified IS TRUE") if op.get_bind().dialect.name == "postgresql" else text("email_verified IS 1")
    )
    op.create_index("users_proved_email", "users", ["email"], unique=True, sqlite_where=proved, postgresql_where=proved)
    _fill(op.get_bind())
    op.create_index("users_name_skeleton", "users", ["name_skeleton"], unique=True)


def _fill(connection: Connection) -> None:
    """Say what each name looks like; of names that look alike already, the oldest user's alone says it."""
    page = select(users.c.id, users.c.name_key).where(users.c.id > bindparam("after")).order_by(users.c.id).limit(PAGE)
    fill = update(users).where(users.c.id == bindparam("user_id")).values(name_skeleton=bindparam("looks"))
    after = 0
    while rows := connection.execute(page, {"after": after}).all():
        connection.execute(fill, [{"user_id": user_id, "looks": skeleton(key)} for user_id, key in rows])
        after = rows[-1].id
    connection.execute(
        text(
            "UPDATE users SET name_skeleton = NULL WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER "
            "(PARTITION BY name_skeleton ORDER BY id) AS place FROM users) AS placed WHERE place > 1)"
        )
    )
