"""How far the tables are that modules have of their own."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "modules",
        Column("name", Text, primary_key=True),
        Column("steps", Integer, nullable=False),
    )
