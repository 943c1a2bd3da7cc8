"""What failed sign-ins leave behind, and what makes names alike."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Change nothing yet."""
