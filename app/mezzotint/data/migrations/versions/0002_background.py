"""What background work needs: mezzanines, improved variants, every object's row by its key, and rows that go."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = """
ALTER TABLE asset_versions
    ADD mezzanine_store text,
    ADD mezzanine_key text,
    ADD mezzanine_bytes bigint CHECK (mezzanine_bytes > 0),
    ADD CHECK (num_nulls(mezzanine_store, mezzanine_key, mezzanine_bytes) IN (0, 3));
ALTER TABLE variants ADD improved_at timestamptz;

-- Stores list their keys in the order of bytes, and the sweep compares.
CREATE INDEX asset_versions_by_key ON asset_versions (key COLLATE "C");
CREATE INDEX asset_versions_by_mezzanine ON asset_versions (mezzanine_key COLLATE "C")
    WHERE mezzanine_key IS NOT NULL;
CREATE INDEX variants_by_key ON variants (key COLLATE "C");
CREATE INDEX variants_unimproved ON variants (access_count) WHERE improved_at IS NULL;

GRANT DELETE ON assets, asset_versions, variants TO mezzotint_operator;
"""


def upgrade() -> None:
    op.execute(TABLES)
