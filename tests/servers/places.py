"""Fresh organizations with a tenant and a space, and keys for each reach."""

import itertools
from dataclasses import dataclass

from mezzotint.model.tenancy import Tenant
from mezzotint.services.caller import SCOPES, Caller
from mezzotint.services.reach import find_place
from mezzotint.wiring import House

_numbers = itertools.count(1)
OPERATOR = Caller("test")


@dataclass(frozen=True)
class Names:
    """The slugs of one space and of what it belongs to."""

    organization: str
    tenant: str
    space: str

    @property
    def path(self) -> str:
        return f"{self.organization}/{self.tenant}/{self.space}"

    @property
    def fields(self) -> dict[str, str]:
        return {"organization": self.organization, "tenant": self.tenant, "space": self.space}


def settle(house: House, organization: str | None = None) -> Names:
    """A new tenant and space; in a new organization unless one is named."""
    number = next(_numbers)
    names = Names(organization or f"organization-{number}", f"tenant-{number}", f"space-{number}")
    if organization is None:
        house.tenancy.create_organization(OPERATOR, names.organization)
    house.tenancy.create_tenant(OPERATOR, names.organization, names.tenant)
    house.tenancy.create_space(OPERATOR, names.organization, names.tenant, names.space)
    return names


def tenant_of(house: House, names: Names) -> Tenant:
    """The registry's own."""
    with house.database.operator() as tx:
        return find_place(tx, OPERATOR, names.organization, names.tenant, names.space).tenant


def token(house: House, organization: str | None = None, tenant: str | None = None, scopes=SCOPES) -> str:
    """An API key; the operator's when no organization is named."""
    _, text = house.api_keys.create(OPERATOR, organization, tenant, "a test", scopes, for_operator=organization is None)
    return text
