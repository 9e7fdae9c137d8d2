"""The first schema.

Every table with a tenant is under forced row-level security. A transaction says whose rows it may touch through two
settings, app.organization and app.tenant (see data/postgres.py); without them nothing is visible. Unique keys begin
with the organization or the tenant, so that a refusal tells nobody what another one has, and foreign keys carry it,
so that a row can't point into another's.
"""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
CREATE FUNCTION scope_organization() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.organization', true), '')::uuid $$;
CREATE FUNCTION scope_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.tenant', true), '')::uuid $$;

CREATE DOMAIN slug AS text CHECK (VALUE ~ '^[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?$');
CREATE DOMAIN sha256 AS text CHECK (VALUE ~ '^[0-9a-f]{64}$');

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    slug slug NOT NULL UNIQUE,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE TABLE tenants (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    id uuid NOT NULL,
    slug slug NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, slug)
);

CREATE TABLE spaces (
    organization_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    slug slug NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, slug),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id)
);

-- The owner of a policy or a preset: an organization, one of its tenants, or one of that tenant's spaces.
CREATE TABLE policies (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    tenant_id uuid,
    space_id uuid,
    default_access text CHECK (default_access IN ('public', 'private')),
    allowed_operations text[],
    allowed_formats text[],
    presets_only boolean,
    max_upload_bytes bigint CHECK (max_upload_bytes > 0),
    max_source_pixels bigint CHECK (max_source_pixels > 0),
    max_output_pixels bigint CHECK (max_output_pixels > 0),
    max_side integer CHECK (max_side > 0),
    default_lifetime integer CHECK (default_lifetime > 0),
    max_lifetime integer CHECK (max_lifetime > 0),
    public_originals boolean,
    cache_seconds_fixed integer CHECK (cache_seconds_fixed >= 0),
    cache_seconds_preset integer CHECK (cache_seconds_preset >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (space_id IS NULL OR tenant_id IS NOT NULL),
    UNIQUE NULLS NOT DISTINCT (organization_id, tenant_id, space_id),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id),
    FOREIGN KEY (tenant_id, space_id) REFERENCES spaces (tenant_id, id)
);

CREATE TABLE presets (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    tenant_id uuid,
    space_id uuid,
    id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[a-z0-9]+(_[a-z0-9]+)*$' AND length(name) <= 64),
    operations jsonb NOT NULL CHECK (jsonb_typeof(operations) = 'object'),
    auto_generate boolean NOT NULL,
    match_tags text[] NOT NULL,
    match_folders text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CHECK (space_id IS NULL OR tenant_id IS NOT NULL),
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id),
    FOREIGN KEY (tenant_id, space_id) REFERENCES spaces (tenant_id, id)
);
CREATE UNIQUE INDEX presets_live_name ON presets (organization_id, tenant_id, space_id, name)
    NULLS NOT DISTINCT WHERE deleted_at IS NULL;

CREATE TABLE signing_keys (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    tenant_id uuid,
    id uuid NOT NULL,
    kid text NOT NULL UNIQUE CHECK (kid ~ '^[A-Za-z0-9_-]{1,64}$'),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'grace', 'revoked')),
    grace_until timestamptz CHECK (status <> 'grace' OR grace_until IS NOT NULL),
    sealed_secret bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id)
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    organization_id uuid REFERENCES organizations (id),
    tenant_id uuid,
    name text NOT NULL,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CHECK (tenant_id IS NULL OR organization_id IS NOT NULL),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id)
);
CREATE INDEX api_keys_by_owner ON api_keys (organization_id, tenant_id, id);

CREATE TABLE assets (
    organization_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    space_id uuid NOT NULL,
    id uuid NOT NULL,
    access text NOT NULL CHECK (access IN ('public', 'private')),
    folder text NOT NULL,
    tags text[] NOT NULL,
    current integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id),
    FOREIGN KEY (tenant_id, space_id) REFERENCES spaces (tenant_id, id)
);
-- For the operator, who may know an asset by nothing else.
CREATE INDEX assets_by_id ON assets (id);
CREATE INDEX assets_live ON assets (tenant_id, space_id, id) WHERE deleted_at IS NULL;
CREATE INDEX assets_tags ON assets USING gin (tags) WHERE deleted_at IS NULL;

CREATE TABLE asset_versions (
    organization_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    asset_id uuid NOT NULL,
    number integer NOT NULL CHECK (number BETWEEN 1 AND 999999),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'processing', 'ready', 'failed')),
    source_kind text NOT NULL CHECK (source_kind IN ('upload', 'remote', 'bucket')),
    file_name text NOT NULL,
    uploaded_by text NOT NULL,
    store text NOT NULL,
    key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    failure text CHECK (state <> 'failed' OR failure IS NOT NULL),
    media_type text,
    format text,
    bytes bigint CHECK (bytes > 0),
    content_hash sha256,
    width integer CHECK (width > 0),
    height integer CHECK (height > 0),
    colour_space text,
    bits smallint CHECK (bits > 0),
    has_alpha boolean,
    frames integer CHECK (frames > 0),
    orientation smallint CHECK (orientation BETWEEN 1 AND 8),
    dominant_colour text CHECK (dominant_colour ~ '^#[0-9a-f]{6}$'),
    thumbhash text,
    exif jsonb,
    CHECK (state <> 'ready' OR num_nulls(media_type, format, bytes, content_hash, width, height, colour_space, bits,
                                         has_alpha, frames, orientation, dominant_colour, thumbhash, exif) = 0),
    PRIMARY KEY (tenant_id, asset_id, number),
    UNIQUE (tenant_id, store, key),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id),
    FOREIGN KEY (tenant_id, asset_id) REFERENCES assets (tenant_id, id)
);
CREATE INDEX asset_versions_content ON asset_versions (tenant_id, content_hash);
CREATE INDEX asset_versions_unfinished ON asset_versions (created_at) WHERE state IN ('pending', 'processing');
ALTER TABLE assets ADD CONSTRAINT assets_current_fkey FOREIGN KEY (tenant_id, id, current)
    REFERENCES asset_versions (tenant_id, asset_id, number) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE variants (
    organization_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    asset_id uuid NOT NULL,
    version integer NOT NULL,
    identity sha256 NOT NULL,
    operations text NOT NULL,
    recipe text NOT NULL,
    format text NOT NULL,
    media_type text NOT NULL,
    width integer NOT NULL CHECK (width > 0),
    height integer NOT NULL CHECK (height > 0),
    frames integer NOT NULL CHECK (frames > 0),
    bytes bigint NOT NULL CHECK (bytes > 0),
    content_hash sha256 NOT NULL,
    store text NOT NULL,
    key text NOT NULL,
    processing_ms real NOT NULL CHECK (processing_ms >= 0),
    cpu_ms real NOT NULL CHECK (cpu_ms >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    access_count bigint NOT NULL DEFAULT 0,
    last_accessed_at timestamptz,
    cache_tier text NOT NULL DEFAULT 'hot' CHECK (cache_tier IN ('hot', 'warm', 'cold')),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, identity),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id),
    FOREIGN KEY (tenant_id, asset_id, version) REFERENCES asset_versions (tenant_id, asset_id, number)
);
CREATE INDEX variants_of_asset ON variants (tenant_id, asset_id, version);

CREATE TABLE generations (
    organization_id uuid REFERENCES organizations (id),
    tenant_id uuid,
    scope text NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    UNIQUE NULLS NOT DISTINCT (organization_id, tenant_id, scope),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id)
);
CREATE INDEX generations_by_scope ON generations (scope);

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    organization_id uuid REFERENCES organizations (id),
    tenant_id uuid,
    kind text NOT NULL,
    payload jsonb NOT NULL CHECK (jsonb_typeof(payload) = 'object'),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    error text,
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id)
);
CREATE INDEX jobs_due ON jobs (kind, run_at) WHERE state <> 'failed';

CREATE TABLE audit_log (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    organization_id uuid REFERENCES organizations (id),
    tenant_id uuid,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    request_id text,
    detail jsonb NOT NULL,
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id)
);
CREATE INDEX audit_log_by_owner ON audit_log (organization_id, tenant_id, sequence);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE usage (
    organization_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    space_id uuid NOT NULL,
    day date NOT NULL,
    metric text NOT NULL CHECK (metric ~ '^[a-z_]{1,64}$'),
    amount bigint NOT NULL,
    PRIMARY KEY (tenant_id, space_id, day, metric),
    FOREIGN KEY (organization_id, tenant_id) REFERENCES tenants (organization_id, id),
    FOREIGN KEY (tenant_id, space_id) REFERENCES spaces (tenant_id, id)
);
"""

GRANTS = """
GRANT USAGE ON SCHEMA public TO mezzotint_app, mezzotint_operator;
GRANT SELECT ON organizations TO mezzotint_app;
GRANT SELECT, INSERT, UPDATE ON tenants, spaces, policies, presets, signing_keys, api_keys, assets, asset_versions,
    variants, generations, usage TO mezzotint_app;
GRANT SELECT, INSERT ON audit_log TO mezzotint_app;
GRANT INSERT ON jobs TO mezzotint_app;

GRANT SELECT ON assets, asset_versions, variants, usage TO mezzotint_operator;
GRANT UPDATE (access_count, last_accessed_at, cache_tier) ON variants TO mezzotint_operator;
GRANT SELECT, INSERT, UPDATE ON organizations, tenants, spaces, policies, presets, signing_keys, api_keys,
    generations TO mezzotint_operator;
GRANT SELECT, INSERT ON audit_log TO mezzotint_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO mezzotint_operator;
"""

# What a transaction open for one tenant may do; one that is open for the organization reaches all of its tenants.
OF_TENANT = "organization_id = scope_organization() AND tenant_id = scope_tenant()"
OF_SCOPE = "organization_id = scope_organization() AND (scope_tenant() IS NULL OR tenant_id = scope_tenant())"
# Tenants read what their organization decided for all of them, and can't change it.
INHERITED = """organization_id = scope_organization()
    AND (scope_tenant() IS NULL OR tenant_id IS NULL OR tenant_id = scope_tenant())"""

# table: (what the application reads, what it writes)
POLICIES = {
    "organizations": ("id = scope_organization()", "false"),
    "tenants": (OF_SCOPE.replace("tenant_id", "id"), OF_SCOPE.replace("tenant_id", "id")),
    "spaces": (OF_SCOPE, OF_SCOPE),
    "policies": (INHERITED, OF_SCOPE),
    "presets": (INHERITED, OF_SCOPE),
    "signing_keys": (INHERITED, OF_SCOPE),
    "api_keys": (OF_SCOPE, OF_SCOPE),
    "assets": (OF_TENANT, OF_TENANT),
    "asset_versions": (OF_TENANT, OF_TENANT),
    "variants": (OF_TENANT, OF_TENANT),
    "generations": (INHERITED, OF_SCOPE),
    "jobs": (OF_SCOPE, OF_SCOPE),
    "audit_log": (OF_SCOPE, OF_SCOPE),
    "usage": (OF_TENANT, OF_TENANT),
}


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GRANTS)
    for table, (reads, writes) in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY app_read ON {table} FOR SELECT TO mezzotint_app USING ({reads})")
        op.execute(f"CREATE POLICY app_insert ON {table} FOR INSERT TO mezzotint_app WITH CHECK ({writes})")
        op.execute(f"CREATE POLICY app_update ON {table} FOR UPDATE TO mezzotint_app USING ({writes})")
        op.execute(f"CREATE POLICY operator_all ON {table} TO mezzotint_operator USING (true)")
