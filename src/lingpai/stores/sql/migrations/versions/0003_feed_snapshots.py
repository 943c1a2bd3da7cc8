"""Which transaction told each entry of the feed, for followers on PostgreSQL (see `snapshots.py`)."""

from alembic import op
from sqlalchemy import BigInteger, Column, text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column, which PostgreSQL fills by itself and SQLite leaves empty."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    own = text("(pg_current_xact_id()::text::bigint)") if is_postgres else None
    op.add_column("feed", Column("xid", BigInteger, server_default=own))
    op.create_index("feed_xid", "feed", ["xid"], sqlite_where=text("xid IS NOT NULL"))
    if is_postgres:
        # Older than all that is told later: while something older is kept, nothing later is gone.
        op.execute("INSERT INTO feed (number, at, subject, subject_id) VALUES (0, 0, 'everything', '')")
