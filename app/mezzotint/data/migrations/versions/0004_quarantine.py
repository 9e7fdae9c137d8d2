"""Pictures that break renderers."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = """
CREATE TABLE quarantine (
    organization_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    content_hash sha256 NOT NULL,
    strikes integer NOT NULL CHECK (strikes > 0),
    reason text NOT NULL,
    struck_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, content_hash),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id)
);

-- Renderers know a tenant and nothing else of whom they work for, so the operator counts for all.
GRANT SELECT ON quarantine TO mezzotint_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON quarantine TO mezzotint_operator;
"""
OF_TENANT = "organization_id = scope_organization() AND tenant_id = scope_tenant()"


def upgrade() -> None:
    op.execute(TABLES)
    op.execute("ALTER TABLE quarantine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY app_read ON quarantine FOR SELECT TO mezzotint_app USING ({OF_TENANT})")
    op.execute("CREATE POLICY operator_all ON quarantine TO mezzotint_operator USING (true)")
