"""The configuration that nginx reads, from the templates."""

from dataclasses import replace
from pathlib import Path

import pytest

from mezzotint.standalone.parts import edge

EDGE = edge.Edge(
    listen="8080",
    hosts=("img.example.com", "localhost"),
    redis="unix:///run/redis.sock",
    seal_key=Path("/etc/seal key"),
    grammar=Path("/srv/grammar.json"),
    cache_folder=Path("/srv/cache"),
    access_log=Path("/dev/stdout"),
    origin_socket=Path("/run/origin.sock"),
    miss_socket=Path("/run/miss.sock"),
    status_socket=Path("/run/edge.sock"),
)


def templates() -> dict[str, str]:
    return {str(path.relative_to(edge.SOURCE)): path.read_text() for path in edge.SOURCE.rglob("*.conf")}


def test_every_place_is_filled() -> None:
    text = "\n".join(edge.render(templates(), EDGE).values())
    assert edge._PLACE.findall(text) == []
    assert "server_name img.example.com localhost;" in text
    assert 'server "unix:/run/origin.sock";' in text
    assert "load_module" not in text


def test_debian_s_modules_are_loaded_by_name() -> None:
    text = edge.render(templates(), replace(EDGE, modules=(Path("/m/a.so"), Path("/m/b.so"))))["nginx.conf"]
    assert 'load_module "/m/a.so";\nload_module "/m/b.so";' in text


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a$b", "a\nb"])
def test_a_value_that_could_say_more_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cache_folder"):
        edge.render(templates(), replace(EDGE, cache_folder=Path("/srv") / name))


def test_only_one_file_touches_nginx() -> None:
    touching = [file.name for file in (edge.SOURCE / "lua").glob("*.lua") if "ngx." in file.read_text()]
    assert touching == ["edge.lua"]
