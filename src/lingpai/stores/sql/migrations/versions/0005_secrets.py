"""A client's second secret, and what the rotation of keys keeps."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Change nothing yet."""
