"""Delivery: from the raw path of a request to a picture, in the order of the contract."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

from mezzotint.data import assets as rows
from mezzotint.grammar.path import INFO, parse_path, parse_plan
from mezzotint.model.asset import Access, Asset, State
from mezzotint.model.errors import NotFound, Unavailable, UnknownHost
from mezzotint.model.identifiers import to_ulid
from mezzotint.model.tenancy import Scope
from mezzotint.plugin_api import ObjectNotFound, Storage, StoreUnavailable
from mezzotint.services.permit import permit_asked, permit_expanded
from mezzotint.services.recent import Recent
from mezzotint.services.variants import Made
from mezzotint.services.verify import Arguments, verify
from mezzotint.services.wants import content_of

if TYPE_CHECKING:
    from mezzotint.data.asset_cache import AssetCache
    from mezzotint.data.postgres import Database
    from mezzotint.grammar import Grammar, Plan
    from mezzotint.grammar.accept import AcceptClass
    from mezzotint.model.address import Address
    from mezzotint.model.variant import Variant
    from mezzotint.services.directory import Directory, Known, Place
    from mezzotint.services.variants import Variants
    from mezzotint.services.wants import Wanted, Wants

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)

REMEMBERED = 20_000
REMEMBERED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """A delivery request as a client sent it: raw path without query, host in lower case without port.

    `stores` are those from which the edge in front fetches by itself.
    """

    path: str
    host: str
    arguments: Arguments
    accept: AcceptClass
    stores: frozenset[str] = frozenset()


class Lifetime(Enum):
    """How long a picture may be kept by whoever gets it."""

    FIXED = "fixed"
    """the URL fixes the picture"""
    PRESET = "preset"
    """the preset behind the name may change"""
    PRIVATE = "private"
    """only its reader may keep it, until the signature's end"""


@dataclass(frozen=True, slots=True)
class Opened:
    """The bytes of a stored object, to be read; whoever is handed it closes it."""

    stream: BinaryIO
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Fetch:
    """Where the edge fetches the bytes: a store that it named, and the path there. It comes back when they are not."""

    store: str
    path: str


Body = bytes | Opened | Fetch


@dataclass(frozen=True, slots=True)
class Answer:
    """A picture to send. `size` in bytes, `seconds` is how long it may be kept."""

    body: Body
    media_type: str
    size: int
    content_hash: str
    modified: datetime
    file_name: str
    lifetime: Lifetime
    seconds: int
    vary_accept: bool
    address: Address
    place: Place
    variant_id: UUID | None = None
    made: bool = False
    """just now"""


class Deliver:
    """Answers delivery requests. Trusts nothing that the edge decided."""

    def __init__(
        self, *, hosts: tuple[str, ...], grammar: Grammar, wants: Wants, directory: Directory,
        database: Database, asset_cache: AssetCache, stores: Mapping[str, Storage], variants: Variants,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._hosts = frozenset(hosts)
        self._grammar = grammar
        self._wants = wants
        self._directory = directory
        self._database = database
        self._asset_cache = asset_cache
        self._stores = stores
        self._variants = variants
        self._clock = clock
        self._assets: Recent[tuple[object, ...], Asset] = Recent(REMEMBERED, REMEMBERED_SECONDS)

    def answer(self, asked: Asked) -> Answer:
        """The picture asked for. Raises the contract's errors, and those of rendering."""
        if asked.host not in self._hosts:
            raise UnknownHost(f"{asked.host[:253]!r} is not served here")
        address = parse_path(asked.path)
        plan = parse_plan(address, self._grammar)
        private = address.access == "priv"
        known = self._directory.look(
            address, kid=asked.arguments.kid if private else None, preset=plan.preset if plan else None
        )
        now = int(self._clock())
        until = verify(asked.path, asked.host, address, asked.arguments, known.key, now) if private else None
        if known.place is None:
            raise NotFound
        asset = self._asset(address, known, known.place)
        if asset.access is Access.PRIVATE and not private:
            raise NotFound
        reply = _Reply(address, asset, known.place, until, now)
        if plan is None:
            return self._info(reply) if address.operations == INFO else self._original(reply, asked.stores)
        return self._variant(reply, plan, known, asked)

    def _asset(self, address: Address, known: Known, place: Place) -> Asset:
        # The generations in the key make a deleted or invalidated asset's entry unreachable at once.
        remembered = (address.asset, address.version, place.space_id, known.asset_generations)
        asset = self._assets.get(remembered)
        if asset is None:
            asset = self._look_up(address, place, known.asset_generations)
            if asset.space_id != place.space_id:
                raise NotFound
            self._assets.put(remembered, asset)
        return asset

    def _look_up(self, address: Address, place: Place, generations: tuple[int, ...]) -> Asset:
        """From Redis, else from the registry. Raises NotFound, Unavailable."""
        asset = self._asset_cache.get(place.tenant_id, address.asset, address.version, generations)
        if asset is None:
            with self._database.scoped(Scope(place.organization_id, place.tenant_id)) as tx:
                asset = rows.get(tx, address.asset, address.version)
            if asset is None or asset.state is not State.READY:
                raise NotFound
            self._asset_cache.put(asset, generations)
        return asset

    def _variant(self, reply: _Reply, asked_plan: Plan, known: Known, asked: Asked) -> Answer:
        policy, asset, plan = reply.place.policy, reply.asset, asked_plan
        permit_asked(plan, policy, self._grammar)
        if plan.preset is not None:
            if known.preset is None:
                raise NotFound(f"no preset is called {plan.preset!r}", field="operations")
            plan = self._grammar.expand(plan, known.preset)
        auto = self._grammar.is_auto(plan)
        plan = self._grammar.resolve(plan, self._wants.format(plan, asset, asked.accept))
        permit_expanded(plan, policy, self._grammar)
        wanted = self._wants.wanted(asset, plan, policy)
        found, body = self._with_body(wanted, self._variants.obtain(wanted), asked.stores)
        variant = found.variant if isinstance(found, Made) else found
        return reply.answer(
            body,
            media_type=found.media_type,
            size=len(found.data) if isinstance(found, Made) else found.bytes,
            content_hash=found.content_hash,
            modified=variant.created_at if variant else reply.moment,
            lifetime=Lifetime.PRESET if asked_plan.preset is not None else Lifetime.FIXED,
            ext=wanted.format,
            vary_accept=auto,
            variant_id=variant.id if variant else None,
            made=isinstance(found, Made),
        )

    def _with_body(
        self, wanted: Wanted, found: Variant | Made, fetched: frozenset[str]
    ) -> tuple[Variant | Made, Body]:  # fmt: skip
        if isinstance(found, Made):
            return found, found.data
        try:
            return found, self._stored(found.store, found.key, fetched)
        except NotFound:
            # The row, or what was remembered of it, outlived its object; the next one either is there or is made anew.
            return self._with_body(wanted, self._variants.regain(wanted, found), fetched)

    def _original(self, reply: _Reply, fetched: frozenset[str]) -> Answer:
        content, version = content_of(reply.asset), reply.asset.version
        public = reply.until is None
        if public and not reply.place.policy.public_originals:
            raise NotFound
        if self._grammar.original(reply.address.ext) != _extension(content.format):
            raise NotFound
        return reply.answer(
            self._stored(version.store, version.key, fetched),
            media_type=content.media_type,
            size=content.bytes,
            content_hash=content.content_hash,
            modified=version.created_at,
            lifetime=Lifetime.FIXED,
            ext=_extension(content.format),
        )

    def _info(self, reply: _Reply) -> Answer:
        content = content_of(reply.asset)
        facts = {
            "width": content.width,
            "height": content.height,
            "format": _extension(content.format),
            "orientation": content.orientation,
            "has_alpha": content.has_alpha,
            "frames": content.frames,
            "dominant_colour": content.dominant_colour,
            "thumbhash": content.thumbhash,
        }
        data = json.dumps(facts, separators=(",", ":")).encode()
        return reply.answer(
            data,
            media_type="application/json",
            size=len(data),
            content_hash=hashlib.sha256(data).hexdigest(),
            modified=reply.asset.version.created_at,
            lifetime=Lifetime.FIXED,
            ext="json",
        )

    def _stored(self, store: str, key: str, fetched: frozenset[str]) -> Opened | Fetch:
        """An object: left to the edge if it fetches from this store, else open. Raises NotFound, Unavailable."""
        storage = self._stores[store]
        if store in fetched and (path := storage.fetch_path(key)) is not None:
            return Fetch(store, path)
        opening = ExitStack()
        try:
            return Opened(opening.enter_context(storage.open(key)), opening.close)
        except ObjectNotFound:
            raise NotFound from None
        except StoreUnavailable as problem:
            raise Unavailable("store") from problem


@dataclass(frozen=True, slots=True)
class _Reply:
    """What all answers to one request have in common; `until` is the signature's end in Unix seconds, or None."""

    address: Address
    asset: Asset
    place: Place
    until: int | None
    now: int

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def answer(
        self, body: Body, *, media_type: str, size: int, content_hash: str, modified: datetime, lifetime: Lifetime,
        ext: str, vary_accept: bool = False, variant_id: UUID | None = None, made: bool = False,
    ) -> Answer:  # fmt: skip
        policy = self.place.policy
        if self.until is not None:
            lifetime, seconds = Lifetime.PRIVATE, self.until - self.now
        elif lifetime is Lifetime.PRESET:
            seconds = _limit(policy.cache_seconds_preset)
        else:
            seconds = _limit(policy.cache_seconds_fixed)
        return Answer(
            body=body,
            media_type=media_type,
            size=size,
            content_hash=content_hash,
            modified=modified,
            file_name=f"{_stem(self.asset)}.{ext}",
            lifetime=lifetime,
            seconds=seconds,
            vary_accept=vary_accept,
            address=self.address,
            place=self.place,
            variant_id=variant_id,
            made=made,
        )


def _stem(asset: Asset) -> str:
    """What a saved picture is called: the original's name where it is plain enough, else the asset's identifier."""
    stem = PurePath(asset.version.file_name).stem
    return stem if _PLAIN.fullmatch(stem) else to_ulid(asset.id)


def _limit(value: int | None) -> int:
    if value is None:
        raise ValueError("a place's policy is complete")
    return value


def _extension(format: str) -> str:
    """The ext of a source format: libvips says jpeg where URLs say jpg."""
    return "jpg" if format == "jpeg" else format
