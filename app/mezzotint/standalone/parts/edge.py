"""The edge: nginx with Lua, on the one public port."""

import signal
from collections.abc import Mapping

from mezzotint import registry, wiring
from mezzotint.plugin_api import Storage
from mezzotint.settings import Settings, SettingsError
from mezzotint.standalone import nginx
from mezzotint.standalone.layout import Layout
from mezzotint.standalone.part import Part
from mezzotint.standalone.probes import answers


def part(layout: Layout, settings: Settings) -> Part:
    folder = layout.root / "edge"
    edge = nginx.Edge(
        listen=str(settings.edge.port),
        hosts=settings.public.hosts,
        redis=settings.redis.url,
        seal_key=settings.security.seal_key_file,
        grammar=folder / "grammar.json",
        cache_folder=settings.edge.cache_folder or layout.root / "cache",
        access_log=layout.access_log,
        origins=settings.edge.origins or (settings.origin.bind,),
        miss_socket=layout.sockets / "miss.sock",
        status_socket=layout.sockets / "edge.sock",
        cache_bytes=settings.edge.cache_bytes,
        misses_per_second=settings.edge.misses_per_second,
        upload_bytes=settings.edge.upload_bytes,
        stores=stores(settings),
    )

    def prepare() -> None:
        nginx.install(folder, nginx.here(edge), registry.load(settings.plugins.enabled).grammar().export())

    return Part(
        name="edge",
        needed=False,
        command=nginx.command(folder),
        ready=lambda: answers(edge.status_socket, b"GET /status HTTP/1.0\r\n\r\n", b"HTTP/1.1 200"),
        where=settings.public.base_url,
        prepare=prepare,
        stop_signal=signal.SIGQUIT,  # requests in flight are answered first
    )


def stores(settings: Settings) -> tuple[str, ...]:
    """Those that nginx fetches pictures from by itself, as NAME=URL. Raises SettingsError for what can't work."""
    storages = wiring.storages(settings.stores, registry.load(settings.plugins.enabled))
    if settings.edge.stores is None:
        # Origins elsewhere have other stores by these names, for all we know.
        near = {} if settings.edge.origins else storages
        found = [f"{name}={storage.base_url}" for name, storage in near.items() if storage.base_url]
        return tuple(store for store in found if _problem(store, storages) is None)
    problems = [f"edge.stores: {problem}" for store in settings.edge.stores if (problem := _problem(store, storages))]
    if len({store.partition("=")[0] for store in settings.edge.stores}) < len(settings.edge.stores):
        problems.append("edge.stores: a store is named twice")
    if problems:
        raise SettingsError("\n".join(problems))
    return settings.edge.stores


def _problem(store: str, storages: Mapping[str, Storage]) -> str | None:
    """What keeps nginx from fetching from NAME=URL."""
    try:
        told = nginx.fetchable(store)
    except ValueError as problem:
        return str(problem)
    storage = storages.get(told["name"])
    if storage is None:
        return f"{store}: there is no store of this name"
    if storage.base_url is None:
        return f"{store}: what it holds can be had from the origin alone"
    if told["folder"] and storage.base_url.startswith("file:"):
        return None  # which may be mounted by another name here
    return None if store.endswith(f"={storage.base_url}") else f"{store}: the store is at {storage.base_url}"
