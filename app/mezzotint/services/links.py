"""Delivery URLs: how they are spelled, and how the private ones are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from mezzotint.data import assets, policies, seal, signing_keys
from mezzotint.data.postgres import Database, Transaction
from mezzotint.grammar import Grammar
from mezzotint.grammar.path import INFO, ORIGINAL, canonical_path, parse_path, parse_plan
from mezzotint.model.asset import Access, Asset, State
from mezzotint.model.errors import Conflict, InvalidField, InvalidOperation, NotFound
from mezzotint.model.identifiers import to_ulid
from mezzotint.model.policy import Policy
from mezzotint.model.tenancy import Owner
from mezzotint.services.caller import Caller
from mezzotint.services.reach import Place, find_asset_scope, find_place, place_of, reading

PICTURE = "fmt_auto.jpg"
"""What shows any picture to any client."""


def signature(secret: bytes, path: str, exp: int, hostname: str, organization: str, tenant: str) -> str:
    """The `sig` of a private URL, HMAC-SHA256 as 43 characters of base64url: `path` as sent, `exp` in Unix seconds."""
    text = f"GET\n{path}\n{exp}\n{hostname.lower()}\n{organization}/{tenant}"
    digest = hmac.digest(secret, text.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Signed:
    """A private URL, and what it was signed with; `exp` in Unix seconds."""

    url: str
    sig: str
    exp: int
    kid: str


@dataclass(frozen=True, slots=True)
class AssetLinks:
    """The URLs of one version of an asset; signed ones among them end at `exp` (Unix seconds).

    `template` waits for operations and ext. The others open as they are; None: it must be signed, and that can't be
    done here, or (of an original) no URL has an ext for its format.
    """

    template: str
    picture: str | None
    info: str | None
    original: str | None
    exp: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class _Signer:
    """An opened signing key, and for how many seconds it may sign in one place."""

    place: Place
    kid: str
    secret: bytes
    usual: int
    longest: int

    def exp(self, lifetime: int | None) -> int:
        asked = self.usual if lifetime is None else lifetime
        if asked < 1:
            raise InvalidField("a positive number of seconds", field="lifetime")
        return int(time.time()) + min(asked, self.longest)

    def sign(self, origin: str, path: str, exp: int) -> Signed:
        hostname = urlsplit(origin).hostname or ""
        sig = signature(self.secret, path, exp, hostname, self.place.organization.slug, self.place.tenant.slug)
        return Signed(f"{origin}{path}?sig={sig}&exp={exp}&kid={self.kid}", sig, exp, self.kid)


class Links:
    """Builds public and signed URLs that begin with `base_url`; `hosts` are the names that may be signed for."""

    def __init__(
        self, database: Database, seal_key: bytes, grammar: Grammar, base_url: str, hosts: tuple[str, ...]
    ) -> None:
        self._database = database
        self._seal_key = seal_key
        self._grammar = grammar
        self._base_url = base_url.rstrip("/")
        self._hosts = hosts

    def sign(self, caller: Caller, target: str, *, lifetime: int | None = None) -> Signed:
        """Sign `target`, a path or a URL of ours, as it is spelled; arguments that it carries are left out.

        `lifetime` in seconds: the policy's default, and cut to the policy's maximum. Raises NotFound (nothing in
        reach has that address), InvalidPath, InvalidOperation, InvalidField, Conflict (no active signing key).
        """
        origin, path = self._split(target)
        address = parse_path(path)
        parse_plan(address, self._grammar)
        if address.access != "priv":
            raise InvalidField("a /pub/ address needs no signature; its /priv/ twin may have one", field="url")
        with reading(self._database, caller) as tx:
            place = find_place(tx, caller, address.organization, address.tenant, address.space)
        with self._database.scoped(place.scope) as tx:
            asset = assets.get(tx, address.asset, address.version)
            if asset is None or asset.space_id != place.space.id or asset.state is not State.READY:
                raise NotFound
            signer = self._need_signer(tx, place)
        return signer.sign(origin, path, signer.exp(lifetime))

    def sign_asset(
        self,
        caller: Caller,
        asset_id: UUID,
        operations: str,
        ext: str,
        *,
        version: int | None = None,
        lifetime: int | None = None,
    ) -> Signed:
        """Sign the canonical URL of an asset, in its current version unless told. Raises as `sign` does."""
        with self._database.scoped(find_asset_scope(self._database, caller, asset_id)) as tx:
            asset = assets.get(tx, asset_id, version)
            if asset is None or asset.state is not State.READY:
                raise NotFound
            place = place_of(tx, asset)
            signer = self._need_signer(tx, place)
        path = self._path("priv", place, asset, f"{operations}.{ext}")
        return signer.sign(self._base_url, path, signer.exp(lifetime))

    def of(self, caller: Caller, place: Place, seen: Sequence[Asset]) -> list[AssetLinks]:
        """The URLs of assets of one space; signed, with the default lifetime, if `caller` may sign."""
        with self._database.scoped(place.scope) as tx:
            policy = policies.resolved(tx, place.owner)
            signer = self._signer(tx, place) if caller.may("sign") else None
        return [self._of(place, asset, policy, signer) for asset in seen]

    def _of(self, place: Place, asset: Asset, policy: Policy, signer: _Signer | None) -> AssetLinks:
        public = asset.access is Access.PUBLIC
        template = f"{self._base_url}{_head('pub' if public else 'priv', place, asset)}/{{operations}}.{{ext}}"
        content = asset.version.content
        if content is None:
            return AssetLinks(template, None, None, None)
        exp = signer.exp(None) if signer else None

        def link(name: str, *, public: bool) -> str | None:
            path = self._path("pub" if public else "priv", place, asset, name)
            if public:
                return self._base_url + path
            return signer.sign(self._base_url, path, exp).url if signer and exp else None

        return AssetLinks(
            template,
            picture=link(PICTURE, public=public),
            info=link(f"{INFO}.json", public=public),
            original=(
                link(f"{ORIGINAL}.{content.format}", public=public and bool(policy.public_originals))
                if self._has_ext(content.format)
                else None
            ),
            exp=exp,
        )

    def _has_ext(self, format: str) -> bool:
        """Whether a URL can name the format: some come in and never go out."""
        try:
            self._grammar.original(format)
        except InvalidOperation:
            return False
        return True

    def _path(self, access: str, place: Place, asset: Asset, name: str) -> str:
        address = parse_path(f"{_head(access, place, asset)}/{name}")
        return canonical_path(address, parse_plan(address, self._grammar), self._grammar)

    def _split(self, target: str) -> tuple[str, str]:
        """The scheme and host, and the path, of a URL; ours where it is a path alone."""
        try:
            parts = urlsplit(target)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            raise InvalidField("not a URL", field="url") from None
        if not parts.netloc:
            return self._base_url, parts.path
        if parts.hostname not in self._hosts or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
            raise InvalidField(f"the host is none of {', '.join(self._hosts)}", field="url")
        return f"{parts.scheme}://{parts.hostname}{port}", parts.path

    def _need_signer(self, tx: Transaction, place: Place) -> _Signer:
        signer = self._signer(tx, place)
        if signer is None:
            owner = f"{place.organization.slug}/{place.tenant.slug}"
            raise Conflict(f"{owner} has no active signing key; create one first")
        return signer

    def _signer(self, tx: Transaction, place: Place) -> _Signer | None:
        key = signing_keys.active(tx, place.organization.id, place.tenant.id)
        if key is None:
            return None
        # The key, not the space, sets the longest lifetime that an edge accepts.
        limit = policies.resolved(tx, Owner(key.organization_id, key.tenant_id)).max_lifetime
        policy = policies.resolved(tx, place.owner)
        longest = min(value for value in (limit, policy.max_lifetime) if value is not None)
        secret = seal.unseal(self._seal_key, key.kid, key.sealed_secret)
        return _Signer(place, key.kid, secret, policy.default_lifetime or longest, longest)


def _head(access: str, place: Place, asset: Asset) -> str:
    return f"/v1/{access}/{place.path}/img/{to_ulid(asset.id)}/v{asset.version.number}"
