"""A client's second secret, and what the rotation of keys keeps."""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns: what is there has one secret, and keys that are in use."""
    nothing = text("''" if op.get_bind().dialect.name == "postgresql" else "x''")
    op.add_column("clients", Column("secret_made", BigInteger, nullable=False, server_default="0"))
    op.add_column("clients", Column("old_digest", LargeBinary, nullable=False, server_default=nothing))
    op.add_column("clients", Column("old_sealed", LargeBinary, nullable=False, server_default=nothing))
    op.add_column("clients", Column("old_end", BigInteger))
    op.add_column("keys", Column("begins", BigInteger, nullable=False, server_default="0"))
    op.add_column("keys", Column("ends", BigInteger))
