"""Settings to services: everything is constructed here, in order, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING

from mezzotint import registry as plugins
from mezzotint.data import redis as redis_client
from mezzotint.data import seal
from mezzotint.data.asset_cache import AssetCache
from mezzotint.data.postgres import Database
from mezzotint.data.snapshot import Snapshot
from mezzotint.data.variant_cache import VariantCache
from mezzotint.imaging.client import Renderers
from mezzotint.imaging.isolation import Isolation
from mezzotint.imaging.pool import Pool
from mezzotint.imaging.sources import Sources
from mezzotint.plugin_api import Encoder, StoreUnavailable
from mezzotint.services import follow_up, store_guard
from mezzotint.services.ahead import Ahead
from mezzotint.services.api_keys import ApiKeys
from mezzotint.services.assets import Assets
from mezzotint.services.audit import Audit
from mezzotint.services.deliver import Deliver
from mezzotint.services.direct_uploads import DirectUploads
from mezzotint.services.directory import Directory
from mezzotint.services.edge_log import EdgeLog
from mezzotint.services.encodings import Encodings
from mezzotint.services.health import Check, Readiness
from mezzotint.services.ingest import Ingest
from mezzotint.services.invalidate import Invalidate
from mezzotint.services.jobs import Jobs
from mezzotint.services.leftovers import Leftovers
from mezzotint.services.links import Links
from mezzotint.services.mezzanines import Mezzanines
from mezzotint.services.near import Near
from mezzotint.services.policies import Policies
from mezzotint.services.presets import Presets
from mezzotint.services.publish import SOON, Publisher
from mezzotint.services.quarantine import Quarantine
from mezzotint.services.reaper import Reaper
from mezzotint.services.removal import Removal
from mezzotint.services.signing_keys import SigningKeys
from mezzotint.services.spool import Spool
from mezzotint.services.store_threads import threaded
from mezzotint.services.sweep import Sweep
from mezzotint.services.tenancy import Tenancy
from mezzotint.services.tiers import Tiers
from mezzotint.services.tokens import Tokens
from mezzotint.services.usage import Usage
from mezzotint.services.variants import Variants
from mezzotint.services.wants import Wants
from mezzotint.services.work import Chore, Work
from mezzotint.settings import SettingsError

if TYPE_CHECKING:
    from mezzotint.grammar import Grammar
    from mezzotint.plugin_api import Storage
    from mezzotint.registry import Registry
    from mezzotint.services.store_threads import Aside
    from mezzotint.settings import Settings, Store


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
    direct_uploads: DirectUploads
    assets: Assets
    presets: Presets
    links: Links
    signing_keys: SigningKeys
    api_keys: ApiKeys
    tokens: Tokens
    invalidate: Invalidate
    jobs: Jobs
    work: Work
    quarantine: Quarantine
    audit: Audit
    in_flight: int
    """deliveries that a process takes on at once"""


def grammar(settings: Settings) -> Grammar:
    """The URL language of the enabled plug-ins alone; needs no database."""
    return plugins.load(settings.plugins.enabled).grammar()


def storages(stores: Mapping[str, Store], registry: Registry) -> dict[str, Storage]:
    """The storages of the named stores, connected to nothing. Raises PluginError, SettingsError with every mistake."""
    made, mistakes = {}, []
    for name, store in stores.items():
        kind = registry.storage(store.kind)
        try:
            signature(kind).bind(**store.options)  # names the option at fault, and nothing of the class
            made[name] = kind(**store.options)
        except (TypeError, ValueError, OSError, StoreUnavailable) as mistake:
            mistakes.append(f"stores.{name}: {mistake}")
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return made


def build(settings: Settings, *, aside: Aside | None = None) -> House:
    """The house that `settings` describe. Connects to nothing yet. Raises PluginError, SettingsError.

    `aside`: how to do blocking work in a process that has an event loop to keep going.
    """
    registry = plugins.load(settings.plugins.enabled)
    language = registry.grammar()
    guarded = {
        name: store_guard.guarded(name, threaded(storage, aside) if aside and storage.blocking else storage)
        for name, storage in storages(settings.stores, registry).items()
    }
    stores = {name: store for name, (store, _) in guarded.items()}
    seal_key = seal.load_key(settings.security.seal_key_file)
    database = Database(
        settings.database.app_dsn,
        settings.database.operator_dsn,
        size=settings.database.pool_size,
        timeout=settings.database.timeout,
        statement_timeout=settings.database.timeout,
        audit_key=seal.derived(seal_key, "mezzotint audit log"),
    )
    redis = redis_client.connect(settings.redis.url, timeout=settings.redis.timeout)
    snapshot = Snapshot(redis)
    # A connection of its own, which is tried again sooner than requests would want to wait for it.
    publishing = redis_client.connect(settings.redis.url, timeout=settings.redis.timeout, pause=SOON)
    publisher = Publisher(database, Snapshot(publishing))
    sources = Sources(settings.spool.folder / "sources", settings.spool.sources_bytes)
    isolation = None
    if settings.isolation.socket:
        foreign = registry.isolated_decoders(settings.isolation.formats)
        isolation = Isolation(Pool(settings.isolation.socket, "isolated renderers"), foreign, sources)
    quarantine = Quarantine(database)
    pixels = Sources(settings.spool.folder / "pixels", settings.spool.pixels_bytes, read_seconds=0)
    kept = pixels if settings.spool.pixels_bytes else None
    renderers = Renderers(settings.renderers.socket, isolation, quarantine.guard, kept)
    lossy = [name for kinds in (registry.decoders, registry.isolated) for name, kind in kinds.items() if kind.lossy]
    wants = Wants(language, registry.encoders, lossy)
    near = Near(stores, sources)
    # A job looks things up, renders and stores: rendering may take most of its time.
    patience = settings.worker.job_seconds * 0.75
    variants = Variants(
        database=database,
        cache=VariantCache(redis),
        lock_nodes=[redis_client.connect(url, timeout=settings.redis.timeout) for url in settings.redis.lock_urls]
        or [redis],
        stores=stores,
        renderers=renderers,
        near=near,
        deadline=settings.renderers.deadline,
        patience=patience,
    )
    spool = Spool(settings.spool.folder)
    ingest = Ingest(database, stores, renderers=renderers, wants=wants, deadline=settings.renderers.deadline)
    encodings = Encodings(
        database=database,
        stores=stores,
        variants=variants,
        near=near,
        renderers=renderers,
        formats=[name for name, encoder in registry.encoders.items() if encoder.attempts is not Encoder.attempts],
        accesses=settings.worker.improve_after,
        deadline=patience,
    )
    reaper = Reaper(
        database=database,
        near=near,
        ingest=ingest,
        spool=spool,
        copies=[sources, pixels],
        older=settings.worker.unfinished_after,
    )
    sweep = Sweep(database, stores, grace=settings.worker.orphaned_after)
    removal = Removal(database, stores)
    tiers = Tiers(database, warm_after=settings.worker.warm_after, cold_after=settings.worker.cold_after)
    edge_log = settings.worker.access_log
    direct_uploads = DirectUploads(database, stores, spool, ingest)
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
                **({"isolated renderers": Check(isolation.ping, [isolation.breaker])} if isolation else {}),
            }
        ),
        deliver=Deliver(
            hosts=settings.public.hosts,
            grammar=language,
            wants=wants,
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
        ingest=ingest,
        direct_uploads=direct_uploads,
        assets=Assets(database, publisher, grace=settings.worker.deleted_after),
        presets=Presets(database, publisher, language),
        links=Links(database, seal_key, language, base_url=settings.public.base_url, hosts=settings.public.hosts),
        signing_keys=SigningKeys(database, publisher, seal_key),
        api_keys=api_keys,
        tokens=Tokens(api_keys, seal.derived(seal_key, "mezzotint access tokens")),
        invalidate=Invalidate(database, publisher),
        jobs=Jobs(database),
        work=Work(
            database,
            tasks={
                follow_up.MEZZANINE: Mezzanines(
                    database=database, stores=stores, near=near, renderers=renderers, wants=wants, deadline=patience
                ).make,
                follow_up.AHEAD: Ahead(database, language, wants, variants).make,
                follow_up.IMPROVE: encodings.improve,
                follow_up.PURGE: removal.purge,
                follow_up.DISCARD: removal.discard,
            },
            chores={
                "find_popular": Chore(encodings.find, every=60.0),
                "reap": Chore(reaper.reap, every=60.0),
                "remove_ended_uploads": Chore(direct_uploads.remove_ended, every=300.0),
                "settle_tiers": Chore(tiers.settle, every=3600.0),
                "sweep": Chore(sweep.sweep, every=settings.worker.sweep_every),
                "sweep_leftovers": Chore(Leftovers(stores).sweep, every=3600.0),
                **({"count_hits": Chore(EdgeLog(database, edge_log).count, every=10.0)} if edge_log else {}),
            },
            lease=settings.worker.job_seconds * 1.25,
        ),
        quarantine=quarantine,
        audit=Audit(database),
        in_flight=settings.origin.in_flight,
    )
