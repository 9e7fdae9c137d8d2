"""Organizations, their tenants, their spaces: made, listed, deleted."""

from __future__ import annotations

from uuid import UUID

from mezzotint.data import generations, organizations, spaces, tenants
from mezzotint.data.postgres import Database
from mezzotint.model.errors import Forbidden, InvalidField
from mezzotint.model.identifiers import SLUG
from mezzotint.model.tenancy import Scope
from mezzotint.services.caller import Caller
from mezzotint.services.publish import Publisher
from mezzotint.services.reach import Level, exact_level, find_organization, find_tenant, reading
from mezzotint.services.record import record

MAX_NAME = 200


class Tenancy:
    """Who owns what. Slugs are for good: a deleted one is never given out again."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    def create_organization(self, caller: Caller, slug: str, name: str = "") -> Level:
        """A new organization; operators only. Raises Forbidden, InvalidField, Conflict (the slug is taken)."""
        _operators_only(caller)
        _check(slug, name)
        with self._database.operator() as tx:
            organization = organizations.insert(tx, slug, name or slug)
            record(tx, caller, "organization.create", slug, organization_id=organization.id)
        return Level(organization)

    def list_organizations(self, caller: Caller, *, after: UUID | None = None, limit: int = 100) -> list[Level]:
        """Those in reach, oldest first."""
        with reading(self._database, caller) as tx:
            return [Level(found) for found in organizations.page(tx, after=after, limit=limit)]

    def delete_organization(self, caller: Caller, organization: str) -> None:
        """Hide an organization and all below it; operators only. Raises Forbidden, NotFound."""
        _operators_only(caller)
        level = self.level(caller, organization)
        with self._database.scoped(level.scope) as tx:
            generations.bump(tx, level.generation)
        with self._database.operator() as tx:
            organizations.delete(tx, level.organization.id)
            record(tx, caller, "organization.delete", level.path, organization_id=level.organization.id)
        self._publisher.drain()

    def create_tenant(self, caller: Caller, organization: str, slug: str, name: str = "") -> Level:
        """A new tenant. Raises Forbidden for a tenant's key, NotFound, InvalidField, Conflict."""
        _not_for_tenants(caller)
        _check(slug, name)
        parent = self.level(caller, organization).organization
        with self._database.scoped(Scope(parent.id)) as tx:
            level = Level(parent, tenants.insert(tx, parent.id, slug, name or slug))
            record(tx, caller, "tenant.create", level.path)
        return level

    def list_tenants(
        self, caller: Caller, organization: str, *, after: UUID | None = None, limit: int = 100
    ) -> list[Level]:
        """Those in reach, oldest first. Raises NotFound."""
        with reading(self._database, caller) as tx:
            parent = find_organization(tx, caller, organization)
            return [
                Level(parent, tenant)
                for tenant in tenants.page(tx, parent.id, after=after, limit=limit)
                if caller.tenant_id in {None, tenant.id}
            ]

    def delete_tenant(self, caller: Caller, organization: str, tenant: str) -> None:
        """Hide a tenant and all its spaces. Raises Forbidden for a tenant's key, NotFound."""
        _not_for_tenants(caller)
        level = self.level(caller, organization, tenant)
        with self._database.scoped(level.scope) as tx:
            tenants.delete(tx, level.noun.id)
            generations.bump(tx, level.generation)
            record(tx, caller, "tenant.delete", level.path)
        self._publisher.drain()

    def create_space(self, caller: Caller, organization: str, tenant: str, slug: str, name: str = "") -> Level:
        """A new space. Raises NotFound, InvalidField, Conflict."""
        _check(slug, name)
        with reading(self._database, caller) as tx:
            parent = find_organization(tx, caller, organization)
            owner = find_tenant(tx, caller, parent, tenant)
        with self._database.scoped(Scope(parent.id, owner.id)) as tx:
            level = Level(parent, owner, spaces.insert(tx, parent.id, owner.id, slug, name or slug))
            record(tx, caller, "space.create", level.path)
        self._publisher.drain()
        return level

    def list_spaces(
        self,
        caller: Caller,
        organization: str,
        tenant: str,
        *,
        after: UUID | None = None,
        limit: int = 100,
    ) -> list[Level]:
        """Oldest first. Raises NotFound."""
        with reading(self._database, caller) as tx:
            parent = find_organization(tx, caller, organization)
            owner = find_tenant(tx, caller, parent, tenant)
            return [Level(parent, owner, space) for space in spaces.page(tx, owner.id, after=after, limit=limit)]

    def delete_space(self, caller: Caller, organization: str, tenant: str, space: str) -> None:
        """Hide a space and its assets. Raises NotFound."""
        level = self.level(caller, organization, tenant, space)
        with self._database.scoped(level.scope) as tx:
            spaces.delete(tx, level.noun.id)
            generations.bump(tx, level.generation)
            record(tx, caller, "space.delete", level.path)
        self._publisher.drain()

    def level(self, caller: Caller, organization: str, tenant: str | None = None, space: str | None = None) -> Level:
        """The organization, tenant or space of exactly these names. Raises NotFound."""
        with reading(self._database, caller) as tx:
            return exact_level(tx, caller, organization, tenant, space)


def _check(slug: str, name: str) -> None:
    if not SLUG.fullmatch(slug):
        raise InvalidField("1 to 100 of a-z, 0-9 and -, beginning and ending in a letter or digit", field="slug")
    if len(name) > MAX_NAME or not name.isprintable():
        raise InvalidField(f"at most {MAX_NAME} printable characters", field="name")


def _operators_only(caller: Caller) -> None:
    if not caller.is_operator:
        raise Forbidden("only an operator's key may do this")


def _not_for_tenants(caller: Caller) -> None:
    if caller.tenant_id is not None:
        raise Forbidden("a key of one tenant may not do this")
