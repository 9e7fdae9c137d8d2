"""What is decoded apart, and what a decoder that was taken over can't do there, nor among the renderers."""

import io
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path

import pillow_heif
import pytest
import pyvips

from mezzotint import registry
from mezzotint.imaging.client import RendererCrashed, Renderers, RendererStopped
from mezzotint.imaging.isolation import COPY_BYTES
from mezzotint.model.errors import PictureRefused, RenderTimeout, Unavailable, UnsupportedType
from mezzotint.plugin_api import MAX_SIDE, IsolatedDecoder, check_size
from mezzotint.plugins.decoders.magick import MagickDecoder
from tests.conftest import CORPUS
from tests.imaging.mischief.decoders.mischief import MARK
from tests.imaging.mischief.deeds import DEEDS
from tests.imaging.pictures import gradient, open_bytes
from tests.imaging.pool import REPOSITORY, Pool, given_time, inspect_job, render_job, until

PHOTOS, HOSTILE = CORPUS / "photos", CORPUS / "hostile"
KILLED = {"fork", "execute", "connect", "pair", "crash"}
STOPPED = {"loop", "wait", "spin_in_threads"}
MEMORY_BOMBS = {"flate_nested_bomb.pdf"}
"""PDFium ends its process where it gets no more memory"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">{}</svg>'


@pytest.fixture(scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with Pool(tmp_path_factory.mktemp("isolated"), isolated=True) as running:
        yield running


@pytest.fixture(scope="module")
def renderers(pool: Pool, isolated: Pool) -> Renderers:
    return Renderers(pool.socket, isolated.isolation())


def kind_of(deed: str) -> type[PictureRefused | RenderTimeout | Unavailable]:
    if deed == "babble":  # the caller is among those who hear it
        return Unavailable
    if deed in STOPPED:
        return RendererStopped
    return RendererCrashed if deed in KILLED else PictureRefused


@pytest.mark.parametrize("deed", DEEDS)
def test_no_deed_gets_out_of_an_isolated_renderer(renderers: Renderers, tmp_path: Path, deed: str) -> None:
    bad, good = tmp_path / "bad", tmp_path / "good.svg"
    bad.write_bytes(MARK + deed.encode())
    good.write_text(SVG.format("<circle r='9'/>"))
    with pytest.raises(kind_of(deed)):
        given_time(
            lambda seconds: renderers.inspect(inspect_job(bad, deadline=seconds)), 1.0 if deed in STOPPED else 20.0
        )
    assert renderers.inspect(inspect_job(good)).format == "svg"
    assert not Path("/tmp/mischief").exists()


@pytest.mark.parametrize("deed", DEEDS)
def test_no_deed_gets_out_of_a_renderer(pool: Pool, tmp_path: Path, deed: str) -> None:
    small = tmp_path / "small.png"
    gradient(20, 20).pngsave(str(small))
    with pytest.raises(kind_of(deed)):
        given_time(
            lambda seconds: pool.client.render(render_job(small, f"mischief_{deed}", deadline=seconds)),
            1.0 if deed in STOPPED else 20.0,
        )
    assert pool.client.render(render_job(small)).width == 20
    assert not Path("/tmp/mischief").exists()


def test_renderers_are_sealed_and_hold_no_file_but_their_own(pool: Pool, isolated: Pool) -> None:
    def status(pid: int) -> str:
        return Path(f"/proc/{pid}/status").read_text()

    for running in (pool, isolated):
        until(lambda running=running: running.sealed() and running.client.ping().busy == 0)
        for pid in running.workers:
            assert "NoNewPrivs:\t1" in status(pid)
            held = {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}
            assert sum(name.startswith("socket:") for name in held) == 1, held


def test_those_that_replace_others_hold_no_caller_and_no_picture(pool: Pool, tmp_path: Path) -> None:
    """And who connects and brings no job is not waited for."""
    file = tmp_path / "a picture"
    file.touch()
    with ExitStack() as stack:
        mine = stack.enter_context(file.open("rb"))
        callers = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(3)]
        for caller in callers:
            caller.connect(str(pool.socket))
            socket.send_fds(caller, [b"\0"], [mine.fileno()])  # the beginning of a job
        before = set(pool.workers)
        master = Path(f"/proc/{pool.process.pid}/fd")
        until(lambda: [link(each) for each in master.iterdir()].count(str(file)) == len(callers))
        # All at once: the numbers of their files are free then, and what the new ones must not have lies above.
        pool.process.send_signal(signal.SIGSTOP)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        pool.process.send_signal(signal.SIGCONT)
        until(lambda: pool.sealed() and not before & set(pool.workers))
        for pid in pool.workers:
            held = [link(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
            assert sum(name.startswith("socket:") for name in held) == 1, held
            assert str(file) not in held
        for caller in callers:
            caller.settimeout(60)
            assert b"overloaded" in caller.recv(4096)


def link(file: Path) -> str:
    with suppress(FileNotFoundError):
        return str(file.readlink())
    return ""


def test_isolated_renderers_are_bounded(isolated: Pool) -> None:
    for pid in isolated.workers:
        limits = Path(f"/proc/{pid}/limits").read_text()
        bounds = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
        assert bounds["Max file size"] == str(COPY_BYTES)
        assert bounds["Max address space"] == str(2 << 30)
        assert bounds["Max core file size"] == "0"


def test_files_stay_closed_where_the_kernel_has_no_landlock(tmp_path: Path) -> None:
    script = """
import os, sys
from mezzotint.imaging.renderer import seal
seal._landlock = lambda: None
os.stat(sys.argv[1])
seal.seal()
for deed in (lambda: open(sys.argv[1]), lambda: os.listdir("/"), lambda: os.unlink(sys.argv[1])):
    try:
        deed()
    except PermissionError:
        continue
    sys.exit("it could")
"""
    path = tmp_path / "file"
    path.touch()
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "app")}
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert path.exists()


@pytest.mark.parametrize(
    ("file", "format", "size"),
    [
        ("plum.svg", "svg", None), ("star.svg", "svg", None), ("derived/bus_12mp_p3.heic", "heic", (4032, 3024)),
        ("derived/bus_1page.pdf", "pdf", None), ("derived/photos_3page.pdf", "pdf", None),
        ("derived/drone_3page.tif", "tiff", None), ("derived/weld_16bit_tiled.tif", "tiff", None),
    ],
)  # fmt: skip
def test_photographs_are_read(
    renderers: Renderers, corpus: Path, file: str, format: str, size: tuple[int, int] | None
) -> None:
    path = corpus / "photos" / file
    found = renderers.inspect(inspect_job(path))
    assert found.format == format
    assert (found.width, found.height) == size or size is None
    rendered = renderers.render(render_job(path, "w_160-h_120-f_fill", "png"))
    picture = open_bytes(rendered.data)
    assert (picture.width, picture.height) == (160, 120)
    assert picture[:3].deviate() > 5


def test_heic_has_its_colours(renderers: Renderers, corpus: Path) -> None:
    """The same photograph as HEIC and as JPEG, both with their profile."""
    shown = [
        open_bytes(renderers.render(render_job(corpus / "photos" / name, "w_300", "png")).data)
        for name in ("derived/bus_12mp_p3.heic", "bus_12mp_p3_iphone.jpg")
    ]
    assert (shown[0].width, shown[0].height) == (shown[1].width, shown[1].height)
    assert (shown[0] - shown[1]).abs().avg() < 4


def test_what_can_not_be_sealed_takes_no_job(tmp_path: Path) -> None:
    (tmp_path / "good.svg").write_text(SVG.format(""))
    with Pool(tmp_path, isolated=True, unsealed=True) as isolated:
        renderers = Renderers(tmp_path / "nobody.sock", isolated.isolation())
        with pytest.raises(UnsupportedType, match="libseccomp2"):
            renderers.inspect(inspect_job(tmp_path / "good.svg"))
        assert isolated.workers == []


def test_renderers_that_can_not_be_sealed_say_so(tmp_path: Path) -> None:
    gradient(20, 20).pngsave(str(tmp_path / "small.png"))
    with Pool(tmp_path, unsealed=True, workers=1) as pool:
        assert pool.client.render(render_job(tmp_path / "small.png")).width == 20
        assert "renderers_not_sealed" in {event["event"] for event in pool.events()}


@pytest.mark.parametrize("policy", ["", '<policymap><policy domain="coder" rights="none" pattern="*"/></policymap>'])
def test_imagemagick_without_the_policy_is_not_used(tmp_path: Path, policy: str) -> None:
    """The file is there only after ImageMagick has looked for it, or not at all."""
    script = """
import sys
from pathlib import Path
import wand.api
from mezzotint.plugins.decoders.bmp import BmpDecoder
from mezzotint.plugins.decoders import magick
magick._in_force()
if sys.argv[1]:
    Path("policy.xml").write_text(sys.argv[1])
BmpDecoder().prepare()
"""
    environment = os.environ | {"MAGICK_CONFIGURE_PATH": str(tmp_path), "PYTHONPATH": str(REPOSITORY / "app")}
    command = [sys.executable, "-c", script, policy]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "PluginUnfit" in found.stderr


@pytest.mark.parametrize(
    "document",
    [
        "<!DOCTYPE svg>" + SVG.format(""),
        '<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("<text>&a;</text>"),
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        + SVG.format("<text>&a;</text>"),
        SVG.format("<g>" * 200 + "</g>" * 200),
        SVG.format("<g/>" * 20_001),
        SVG.format(f"<!--{'x' * 1_000_000}-->"),
        SVG.format("<g>"),
        '<svg xmlns="http://www.w3.org/2000/svg" width="40000" height="40000"/>',
    ],
)  # fmt: skip
def test_drawings_that_are_more_than_a_drawing_are_refused(renderers: Renderers, tmp_path: Path, document: str) -> None:
    path = tmp_path / "drawing.svg"
    path.write_text(document, encoding="utf-16" if "UTF-16" in document else "utf-8")
    with pytest.raises(PictureRefused) as refused:
        renderers.inspect(inspect_job(path))
    assert not isinstance(refused.value, RendererCrashed)


def pdf(pages: int, box: str = "0 0 612 792") -> bytes:
    kids = "3 0 R " * pages
    return (
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        f"2 0 obj<</Type/Pages/Kids[{kids}]/Count {pages}>>endobj\n"
        f"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[{box}]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    ).encode()


def test_pages_of_a_document_are_bounded(renderers: Renderers, tmp_path: Path) -> None:
    path = tmp_path / "document.pdf"
    path.write_bytes(pdf(500))
    assert renderers.inspect(inspect_job(path)).format == "pdf"
    other = tmp_path / "longer.pdf"
    other.write_bytes(pdf(501))
    with pytest.raises(PictureRefused, match="500 pages"):
        renderers.inspect(inspect_job(other))


@pytest.mark.parametrize("box", ["0 0 2000 2000", "0 0 100000 90000", "0 0 20 100000"])
def test_a_large_page_is_drawn_small(renderers: Renderers, tmp_path: Path, box: str) -> None:
    path = tmp_path / "poster.pdf"
    path.write_bytes(pdf(1, box))
    found = renderers.inspect(inspect_job(path, max_pixels=1_000_000))
    assert 0 < found.width * found.height <= 1_000_000


def test_a_drawing_reaches_nothing_outside(renderers: Renderers, tmp_path: Path) -> None:
    """A picture beside it, by any way of naming it, stays unseen; letters are drawn all the same."""
    pyvips.Image.black(40, 20).invert().bandjoin([0, 0]).copy(interpretation="srgb").pngsave(str(tmp_path / "red.png"))
    uris = ("red.png", f"file://{tmp_path}/red.png", str(tmp_path / "red.png"))
    for number, uri in enumerate(uris):
        path = tmp_path / f"{number}.svg"
        path.write_text(SVG.format(f'<image href="{uri}" width="40" height="20"/>'))
        shown = open_bytes(renderers.render(render_job(path, "w_40", "png")).data)
        assert shown.hasalpha()
        assert shown[shown.bands - 1].max() == 0
    (tmp_path / "letters.svg").write_text(SVG.format('<text y="15" font-family="serif">Ag</text>'))
    assert open_bytes(renderers.render(render_job(tmp_path / "letters.svg", "w_40", "png")).data)[-1].max() > 100


def hostile() -> list[str]:
    return ["svg", "pdf", "heif", "crash", "malformed", "truncated", "gofuzz", "bomb"] if HOSTILE.is_dir() else []


@pytest.mark.parametrize("folder", hostile())
def test_hostile_files_are_refused_or_harmless(renderers: Renderers, isolated: Pool, folder: str) -> None:
    mine, workers, broken = isolated.isolation(), set(isolated.workers), set()
    for path in sorted(path for path in (HOSTILE / folder).iterdir() if mine.decoder(path)):
        try:
            found = renderers.inspect(inspect_job(path, deadline=120.0))
        except (RendererCrashed, RendererStopped):  # the second where its processor time ends before its memory
            broken.add(path.name)
        except PictureRefused:
            continue
        else:
            assert found.width * found.height <= 50_000_000, path
    assert broken <= MEMORY_BOMBS
    assert broken or set(isolated.workers) == workers


def sample(decoder: IsolatedDecoder) -> bytes:
    """A small file of a format, of more than one pixel."""
    if isinstance(decoder, MagickDecoder):
        return decoder.sample
    image = pyvips.Image.black(40, 30, bands=3).copy(interpretation="srgb")
    if decoder.name == "tiff":
        return image.tiffsave_buffer()
    if decoder.name == "heic":
        written = io.BytesIO()
        pillow_heif.from_bytes("RGB", (40, 30), image.write_to_memory()).save(written)
        return written.getvalue()
    return SVG.format("<circle r='9'/>").encode()


@pytest.mark.parametrize("name", ["bmp", "heic", "psd", "svg", "tiff"])
def test_what_has_too_many_pixels_is_refused_by_its_header(name: str) -> None:
    decoder = registry.load(["standard"]).isolated_decoder(name)()
    data = sample(decoder)
    image = decoder.decode(data, 2048 * 2048)
    assert image.width * image.height > 0
    with pytest.raises(PictureRefused, match="is more than 0 pixels"):
        decoder.decode(data, 0)


def test_a_drawing_has_as_many_pixels_as_it_is_drawn_with() -> None:
    decoder = registry.load(["standard"]).isolated_decoder("svg")()
    with pytest.raises(PictureRefused, match="2048x1024 is more than 800 pixels"):
        decoder.decode(SVG.format("<circle r='9'/>").encode(), 800)


@pytest.mark.parametrize(
    ("width", "height", "problem"),
    [(0, 9, "empty"), (MAX_SIDE + 1, 1, "side"), (1, MAX_SIDE + 1, "side"), (10, 11, "more than 100"), (10, 10, None)],
)
def test_sizes_that_are_not_decoded(width: int, height: int, problem: str | None) -> None:
    with pytest.raises(PictureRefused, match=problem) if problem else nullcontext():
        check_size(width, height, 100 if max(width, height) <= MAX_SIDE else 10**9)


def test_a_tiff_with_broken_tiles_is_refused(renderers: Renderers, tmp_path: Path) -> None:
    path, half = tmp_path / "whole.tif", tmp_path / "half.tif"
    noise = pyvips.Image.gaussnoise(200, 200).cast("uchar")
    whole = noise.tiffsave_buffer(compression="deflate", tile=True, tile_width=64, tile_height=64)
    path.write_bytes(whole)
    assert renderers.inspect(inspect_job(path)).format == "tiff"
    quarter = len(whole) // 4
    half.write_bytes(whole[:quarter] + bytes(quarter) + whole[2 * quarter :])
    with pytest.raises(PictureRefused):
        renderers.inspect(inspect_job(half))


def test_settings_say_which_formats_are_let_in() -> None:
    plugins = registry.load(["standard"])
    assert {each.name for each in plugins.isolated_decoders(None)} == {"bmp", "heic", "psd", "tiff"}
    assert [each.name for each in plugins.isolated_decoders(["pdf"])] == ["pdf"]
    assert plugins.isolated_decoders([]) == []
    with pytest.raises(registry.PluginError, match="did you mean 'pdf'"):
        plugins.isolated_decoders(["pdff"])
