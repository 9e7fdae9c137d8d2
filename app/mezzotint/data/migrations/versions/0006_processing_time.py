"""How long a rendering took, by its whole name."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE variants RENAME processing_ms TO processing_time_ms")
