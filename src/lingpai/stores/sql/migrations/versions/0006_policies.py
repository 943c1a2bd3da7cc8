"""What each client may do, until when, and how often it used a weak form."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0006"
down_revision = "0005"

WEAKER_FORMS = '{"rules":[["id-day-md5",null,0]],"addresses":[],"routes":[]}'
"""What `api_token_forms` said, in the words of policies."""


def upgrade() -> None:
    """Say as a policy what was a flag of its own, and make the table of uses."""
    op.add_column("clients", Column("policies", Text, nullable=False, server_default=""))
    op.execute(f"UPDATE clients SET policies = '{WEAKER_FORMS}' WHERE api_token_forms")  # noqa: S608 - ours
    op.drop_column("clients", "api_token_forms")
    op.create_table(
        "weak_uses",
        Column("day", Text, primary_key=True),
        Column("client_id", Text, primary_key=True),
        Column("contract", Text, primary_key=True),
        Column("form", Text, primary_key=True),
        Column("uses", BigInteger, nullable=False),
        Column("refused", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
