"""What a caller may name: slugs to nouns. What lies outside a caller's reach is not found, like what is not there."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from mezzotint.data import assets, organizations, spaces, tenants
from mezzotint.data.postgres import Database, Transaction
from mezzotint.model.asset import Asset
from mezzotint.model.errors import InvalidField, NotFound
from mezzotint.model.identifiers import from_ulid
from mezzotint.model.tenancy import Organization, Owner, Scope, Space, Tenant
from mezzotint.services.caller import Caller


@dataclass(frozen=True, slots=True)
class Place:
    """A space and what it belongs to."""

    organization: Organization
    tenant: Tenant
    space: Space

    @property
    def scope(self) -> Scope:
        return Scope(self.organization.id, self.tenant.id)

    @property
    def owner(self) -> Owner:
        return Owner(self.organization.id, self.tenant.id, self.space.id)

    @property
    def path(self) -> str:
        """`acme/website/marketing`, as in a delivery path."""
        return f"{self.organization.slug}/{self.tenant.slug}/{self.space.slug}"


@dataclass(frozen=True, slots=True)
class Level:
    """An organization, or one of its tenants, or one of their spaces: where policies and presets belong."""

    organization: Organization
    tenant: Tenant | None = None
    space: Space | None = None

    @property
    def scope(self) -> Scope:
        return Scope(self.organization.id, self.tenant.id if self.tenant else None)

    @property
    def owner(self) -> Owner:
        return Owner(self.organization.id, self.scope.tenant_id, self.space.id if self.space else None)

    @property
    def generation(self) -> str:
        """The scope whose generation invalidates all below this level."""
        return f"{'s' if self.space else 't' if self.tenant else 'o'}:{self.path}"

    @property
    def noun(self) -> Organization | Tenant | Space:
        """The innermost of the three."""
        return self.space or self.tenant or self.organization

    @property
    def path(self) -> str:
        """`acme`, `acme/website` or `acme/website/marketing`."""
        return "/".join(noun.slug for noun in (self.organization, self.tenant, self.space) if noun is not None)


def reading(database: Database, caller: Caller) -> AbstractContextManager[Transaction]:
    """A transaction that sees what `caller` reaches."""
    if caller.organization_id is None:
        return database.operator()
    return database.scoped(Scope(caller.organization_id, caller.tenant_id))


def find_organization(tx: Transaction, caller: Caller, slug: str | None) -> Organization:
    """The organization named `slug`; None: the caller's own. Raises NotFound, InvalidField when it must be named."""
    if slug is not None:
        organization = organizations.by_slug(tx, slug)
    elif caller.organization_id is not None:
        organization = organizations.get(tx, caller.organization_id)
    else:
        raise InvalidField("needed: this key reaches every organization", field="organization")
    if organization is None or caller.organization_id not in {None, organization.id}:
        raise NotFound
    return organization


def find_tenant(tx: Transaction, caller: Caller, organization: Organization, slug: str | None) -> Tenant:
    """The tenant named `slug`; None: the caller's own. Raises NotFound, InvalidField when it must be named."""
    if slug is not None:
        tenant = tenants.by_slug(tx, organization.id, slug)
    elif caller.tenant_id is not None:
        tenant = tenants.get(tx, caller.tenant_id)
    else:
        raise InvalidField("needed: this key reaches every tenant", field="tenant")
    if tenant is None or caller.tenant_id not in {None, tenant.id}:
        raise NotFound
    return tenant


def find_space(tx: Transaction, tenant: Tenant, slug: str) -> Space:
    """The space named `slug`. Raises NotFound."""
    space = spaces.by_slug(tx, tenant.id, slug)
    if space is None:
        raise NotFound
    return space


def find_place(tx: Transaction, caller: Caller, organization: str | None, tenant: str | None, space: str) -> Place:
    """The space of these names; a key's own are understood. Raises NotFound, InvalidField when one is missing."""
    found = find_organization(tx, caller, organization)
    named = find_tenant(tx, caller, found, tenant)
    return Place(found, named, find_space(tx, named, space))


def find_level(
    tx: Transaction, caller: Caller, organization: str | None, tenant: str | None, space: str | None = None
) -> Level:
    """The level of these names, of which trailing ones may be missing; a key's own are understood.

    Raises NotFound, InvalidField when one is missing that another needs.
    """
    found = find_organization(tx, caller, organization)
    if tenant is None and space is None and caller.tenant_id is None:
        return Level(found)
    named = find_tenant(tx, caller, found, tenant)
    return Level(found, named, find_space(tx, named, space) if space is not None else None)


def exact_level(
    tx: Transaction, caller: Caller, organization: str, tenant: str | None = None, space: str | None = None
) -> Level:
    """The level of exactly these names, nothing understood. Raises NotFound."""
    found = find_organization(tx, caller, organization)
    named = find_tenant(tx, caller, found, tenant) if tenant is not None else None
    inner = find_space(tx, named, space) if named is not None and space is not None else None
    return Level(found, named, inner)


def find_asset_scope(database: Database, caller: Caller, asset_id: UUID) -> Scope:
    """The tenant whose asset this is. Raises NotFound."""
    with database.operator() as tx:
        scope = assets.owner(tx, asset_id)
    if scope is None or caller.organization_id not in {None, scope.organization_id}:
        raise NotFound
    if caller.tenant_id not in {None, scope.tenant_id}:
        raise NotFound
    return scope


def level_of(tx: Transaction, owner: Owner) -> Level:
    """The level that these identifiers name. Raises NotFound when a part of it is deleted."""
    organization = organizations.get(tx, owner.organization_id)
    tenant = tenants.get(tx, owner.tenant_id) if owner.tenant_id else None
    space = spaces.get(tx, owner.space_id) if owner.space_id else None
    if organization is None or (owner.tenant_id and tenant is None) or (owner.space_id and space is None):
        raise NotFound
    return Level(organization, tenant, space)


def place_of(tx: Transaction, asset: Asset) -> Place:
    """Where an asset lies. Raises NotFound when a part of that is deleted."""
    level = level_of(tx, Owner(asset.organization_id, asset.tenant_id, asset.space_id))
    if level.tenant is None or level.space is None:
        raise NotFound
    return Place(level.organization, level.tenant, level.space)


def identifier(text: str) -> UUID:
    """A ULID in a request. Raises NotFound for what can't be one: nothing has that name."""
    try:
        return from_ulid(text)
    except ValueError:
        raise NotFound from None
