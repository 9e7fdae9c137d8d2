"""The edge: nginx with Lua, on the one public port."""

import signal

from mezzotint import registry
from mezzotint.settings import Settings
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
