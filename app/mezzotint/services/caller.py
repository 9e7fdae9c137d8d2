"""Who asks: what every verb of the control plane is told first."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from mezzotint.model.errors import Forbidden

SCOPES = {
    "assets:read": "read and list assets",
    "assets:write": "upload, add versions, delete, invalidate; reading included",
    "presets:read": "read and list presets",
    "presets:write": "create, change and delete presets; reading included",
    "sign": "sign delivery URLs",
    "tokens": "issue access tokens, which allow a part of this for a while",
    "keys:read": "list API keys and signing keys (never their secrets)",
    "keys:write": "create, rotate and revoke API keys and signing keys; reading included",
    "tenancy:read": "read organizations, tenants, spaces and their policies",
    "tenancy:write": "create and delete tenants and spaces, set policies; reading included",
}
"""What an API key may be allowed, and what each means."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An API key or a person at a shell, and how far they reach.

    `organization_id` None is the operator's reach: every organization. `tenant_id` None: every tenant of the
    organization.
    """

    actor: str
    organization_id: UUID | None = None
    tenant_id: UUID | None = None
    scopes: frozenset[str] = frozenset(SCOPES)
    request_id: str | None = None

    @property
    def is_operator(self) -> bool:
        return self.organization_id is None

    def may(self, scope: str) -> bool:
        """Whether `scope` is allowed; writing a thing includes reading it."""
        return scope in self.scopes or scope.replace(":read", ":write") in self.scopes

    def need(self, scope: str) -> None:
        """Raises Forbidden unless `scope` is allowed."""
        if not self.may(scope):
            raise Forbidden(f"this API key lacks the scope {scope}")
