"""The configuration that nginx reads, from the templates."""

from dataclasses import replace
from pathlib import Path

import pytest

from mezzotint.standalone import nginx

EDGE = nginx.Edge(
    listen="8080",
    hosts=("img.example.com", "localhost"),
    redis="unix:///run/redis.sock",
    seal_key=Path("/etc/seal key"),
    grammar=Path("/srv/grammar.json"),
    cache_folder=Path("/srv/cache"),
    access_log=Path("/dev/stdout"),
    origins=("unix:/run/origin.sock", "origin-2:8000"),
    miss_socket=Path("/run/miss.sock"),
    status_socket=Path("/run/edge.sock"),
)


def templates() -> dict[str, str]:
    return {str(path.relative_to(nginx.SOURCE)): path.read_text() for path in nginx.SOURCE.rglob("*.conf")}


def test_every_place_is_filled() -> None:
    text = "\n".join(nginx.render(templates(), EDGE).values())
    assert nginx._PLACE.findall(text) == []
    assert "server_name img.example.com localhost;" in text
    assert 'server "unix:/run/origin.sock"; server "origin-2:8000";' in text
    assert "load_module" not in text
    assert "resolver" not in text


def test_debian_s_modules_are_loaded_by_name() -> None:
    text = nginx.render(templates(), replace(EDGE, modules=(Path("/m/a.so"), Path("/m/b.so"))))["nginx.conf"]
    assert 'load_module "/m/a.so";\nload_module "/m/b.so";' in text


def test_another_nginx_loads_none_of_debian_s_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin:/usr/bin")
    assert [module.name for module in nginx.here(EDGE).modules] == ["ndk_http_module.so", "ngx_http_lua_module.so"]
    (tmp_path / "nginx").write_text("#!/bin/sh\n")
    (tmp_path / "nginx").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/sbin:/usr/bin")
    assert nginx.command(tmp_path)[0] == str(tmp_path / "nginx")
    assert nginx.here(EDGE).modules == ()


def test_name_servers_are_asked_where_there_are_some() -> None:
    servers = nginx.name_servers(
        "search example.com\nnameserver 10.0.0.2\nnameserver fd00::2\nnameserver fe80::1%eth0\n"
    )
    assert servers == ("10.0.0.2", "[fd00::2]")
    text = nginx.render(templates(), replace(EDGE, resolvers=servers))["nginx.conf"]
    assert "resolver 10.0.0.2 [fd00::2] valid=10s;" in text


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a$b", "a\nb"])
def test_a_value_that_could_say_more_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cache_folder"):
        nginx.render(templates(), replace(EDGE, cache_folder=Path("/srv") / name))


def test_what_is_no_store_stops_the_start() -> None:
    with pytest.raises(ValueError, match="variants=ftp://host: is not NAME="):
        nginx.render(templates(), replace(EDGE, stores=("variants=ftp://host",)))


def test_only_one_file_touches_nginx() -> None:
    touching = [file.name for file in (nginx.SOURCE / "lua").glob("*.lua") if "ngx." in file.read_text()]
    assert touching == ["edge.lua"]
