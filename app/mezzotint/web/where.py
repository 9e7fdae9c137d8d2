"""The fields that say which organization, tenant or space a request is about."""

from __future__ import annotations

from mezzotint.web.fields import Fields


class Named(Fields):
    """What makes an organization, a tenant or a space; without a name it is called by its slug."""

    slug: str
    name: str = ""


class Where(Fields):
    """A tenant, or an organization as a whole; what the API key is bound to may be left out."""

    organization: str | None = None
    tenant: str | None = None


class WhereWithin(Where):
    """As `Where`, or one of the tenant's spaces."""

    space: str | None = None
