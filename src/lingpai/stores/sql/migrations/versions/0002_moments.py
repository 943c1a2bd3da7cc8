"""The latest time seen, so that a clock which is set back revives nothing."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of one row."""
    op.create_table(
        "moments",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("at", BigInteger, nullable=False),
    )
