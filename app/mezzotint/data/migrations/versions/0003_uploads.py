"""Uploads that clients send to the store by themselves."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = """
CREATE TABLE uploads (
    organization_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    space_id uuid NOT NULL,
    id uuid NOT NULL,
    file_name text NOT NULL,
    access text CHECK (access IN ('public', 'private')),
    folder text NOT NULL,
    tags text[] NOT NULL,
    bytes bigint NOT NULL CHECK (bytes > 0),
    content_hash sha256,
    store text NOT NULL,
    key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    asset_id uuid,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, store, key),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id),
    FOREIGN KEY (tenant_id, space_id) REFERENCES spaces (tenant_id, id),
    FOREIGN KEY (tenant_id, asset_id) REFERENCES assets (tenant_id, id) ON DELETE SET NULL (asset_id)
);
-- For the operator, who may know an upload by nothing else.
CREATE INDEX uploads_by_id ON uploads (id);
CREATE INDEX uploads_by_asset ON uploads (tenant_id, asset_id);
CREATE INDEX uploads_by_end ON uploads (expires_at);

GRANT SELECT, INSERT, UPDATE ON uploads TO mezzotint_app;
GRANT SELECT, DELETE ON uploads TO mezzotint_operator;
"""
OF_TENANT = "organization_id = scope_organization() AND tenant_id = scope_tenant()"


def upgrade() -> None:
    op.execute(TABLES)
    op.execute("ALTER TABLE uploads ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY app_read ON uploads FOR SELECT TO mezzotint_app USING ({OF_TENANT})")
    op.execute(f"CREATE POLICY app_insert ON uploads FOR INSERT TO mezzotint_app WITH CHECK ({OF_TENANT})")
    op.execute(f"CREATE POLICY app_update ON uploads FOR UPDATE TO mezzotint_app USING ({OF_TENANT})")
    op.execute("CREATE POLICY operator_all ON uploads TO mezzotint_operator USING (true)")
