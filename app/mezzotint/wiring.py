"""Settings to services: everything is constructed here, in order, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mezzotint import logs
from mezzotint import registry as plugins
from mezzotint.data import redis as redis_client
from mezzotint.data import seal
from mezzotint.data.asset_cache import AssetCache
from mezzotint.data.postgres import Database
from mezzotint.data.snapshot import Snapshot
from mezzotint.data.variant_cache import VariantCache
from mezzotint.imaging.client import Renderers
from mezzotint.imaging.renderer.master import PoolSettings
from mezzotint.imaging.renderer.serve import serve
from mezzotint.imaging.sources import Sources
from mezzotint.services import store_guard
from mezzotint.services.api_keys import ApiKeys
from mezzotint.services.assets import Assets
from mezzotint.services.deliver import Deliver
from mezzotint.services.directory import Directory
from mezzotint.services.health import Check, Readiness
from mezzotint.services.ingest import Ingest
from mezzotint.services.invalidate import Invalidate
from mezzotint.services.links import Links
from mezzotint.services.policies import Policies
from mezzotint.services.presets import Presets
from mezzotint.services.publish import Publisher
from mezzotint.services.signing_keys import SigningKeys
from mezzotint.services.spool import Spool
from mezzotint.services.tenancy import Tenancy
from mezzotint.services.tokens import Tokens
from mezzotint.services.usage import Usage
from mezzotint.services.variants import Variants

if TYPE_CHECKING:
    from mezzotint.grammar import Grammar
    from mezzotint.plugin_api import Storage
    from mezzotint.registry import Registry
    from mezzotint.settings import Settings


@dataclass(frozen=True, slots=True)
class House:
    """All that a process may need, built."""

    registry: Registry
    grammar: Grammar
    stores: dict[str, Storage]
    database: Database
    publisher: Publisher
    readiness: Readiness
    deliver: Deliver
    usage: Usage
    spool: Spool
    tenancy: Tenancy
    policies: Policies
    ingest: Ingest
    assets: Assets
    presets: Presets
    links: Links
    signing_keys: SigningKeys
    api_keys: ApiKeys
    tokens: Tokens
    invalidate: Invalidate
    in_flight: int
    """deliveries that a process takes on at once"""


def grammar(settings: Settings) -> Grammar:
    """The URL language of the enabled plug-ins alone; needs no database."""
    return plugins.load(settings.plugins.enabled).grammar()


def renderers(settings: Settings) -> None:
    """Run the renderer pool that `settings` describe until SIGTERM. Raises PluginError, SystemExit."""
    registry, pool = plugins.load(settings.plugins.enabled), settings.renderers
    logs.configure(settings.logging.level)
    serve(
        PoolSettings(
            socket=pool.socket,
            workers=pool.workers,
            background=pool.background,
            queue=pool.queue,
            queue_per_tenant=pool.queue_per_tenant,
            memory_bytes=pool.memory_bytes,
            recycle=pool.recycle,
        ),
        registry.grammar(),
        [decoder() for decoder in registry.decoders.values()],
        [encoder() for encoder in registry.encoders.values()],
    )


def build(settings: Settings) -> House:
    """The house that `settings` describe. Connects to nothing yet. Raises PluginError, SettingsError."""
    registry = plugins.load(settings.plugins.enabled)
    language = registry.grammar()
    guarded = {
        name: store_guard.guarded(name, registry.storage(store.kind)(**store.options))
        for name, store in settings.stores.items()
    }
    stores = {name: store for name, (store, _) in guarded.items()}
    seal_key = seal.load_key(settings.security.seal_key_file)
    database = Database(settings.database.app_dsn, settings.database.operator_dsn, size=settings.database.pool_size)
    redis = redis_client.connect(settings.redis.url, timeout=settings.redis.timeout)
    snapshot = Snapshot(redis)
    publisher = Publisher(database, snapshot)
    renderers = Renderers(settings.renderers.socket)
    variants = Variants(
        database=database,
        cache=VariantCache(redis),
        lock_nodes=[redis_client.connect(url, timeout=settings.redis.timeout) for url in settings.redis.lock_urls]
        or [redis],
        stores=stores,
        renderers=renderers,
        sources=Sources(settings.spool.folder / "sources", settings.spool.sources_bytes),
        deadline=settings.renderers.deadline,
    )
    spool = Spool(settings.spool.folder)
    api_keys = ApiKeys(database)
    return House(
        registry=registry,
        grammar=language,
        stores=stores,
        database=database,
        publisher=publisher,
        readiness=Readiness(
            {
                "database": Check(database.check, [database.breaker]),
                "redis": Check(lambda: redis_client.check(redis), [redis.breaker]),
                **{f"store:{name}": Check(store.check, breakers) for name, (store, breakers) in guarded.items()},
                "renderers": Check(renderers.ping, [renderers.breaker]),
            }
        ),
        deliver=Deliver(
            hosts=settings.public.hosts,
            grammar=language,
            encoders=registry.encoders,
            directory=Directory(snapshot, database, seal_key),
            database=database,
            asset_cache=AssetCache(redis),
            stores=stores,
            variants=variants,
        ),
        usage=Usage(database),
        spool=spool,
        tenancy=Tenancy(database, publisher),
        policies=Policies(database, publisher, language),
        ingest=Ingest(database, stores, renderers=renderers, deadline=settings.renderers.deadline),
        assets=Assets(database, publisher),
        presets=Presets(database, publisher, language),
        links=Links(database, seal_key, language, base_url=settings.public.base_url, hosts=settings.public.hosts),
        signing_keys=SigningKeys(database, publisher, seal_key),
        api_keys=api_keys,
        tokens=Tokens(api_keys, seal_key),
        invalidate=Invalidate(database, publisher),
        in_flight=settings.origin.in_flight,
    )
