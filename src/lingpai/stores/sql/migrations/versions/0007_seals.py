"""The chain over the audit trail."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table; what the trail holds already is sealed once a server runs."""
    op.create_table(
        "seals",
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("number", BigInteger, nullable=False),
        Column("key_id", BigInteger, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("seals_number", "seals", ["number"], unique=True)
