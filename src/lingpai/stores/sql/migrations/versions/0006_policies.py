"""What each client may do, until when, and how often it did."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Change nothing yet."""
