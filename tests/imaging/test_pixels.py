"""Decoded pixels that are kept: what comes out of them is what comes out of their original."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import pyvips

from mezzotint.imaging.client import BREAKDOWNS, Rendered, RendererCrashed, RendererDied, Renderers, RendererStopped
from mezzotint.imaging.decode import Decoders, Limits
from mezzotint.imaging.decoded import PIXELS_BYTES, Decoded, kept_as
from mezzotint.imaging.geometry import Size, fits_pixels, is_heavy
from mezzotint.imaging.jobs import RenderJob
from mezzotint.imaging.pipeline import Pipeline
from mezzotint.imaging.pixels import write_pixels
from mezzotint.imaging.sources import Sources
from mezzotint.model.errors import Overloaded, PictureRefused, RenderTimeout, UnsupportedType
from tests.imaging.conftest import MEGAPIXELS_50, layout_of
from tests.imaging.pictures import distance, gradient, held, noise, open_bytes
from tests.imaging.pool import Pool, given_time, render_job, until

PLENTY = 1 << 30


@pytest.mark.parametrize(
    ("operations", "upright", "fits"),
    [
        ("w_2048", Size(2048, 1500), True),
        ("w_100", Size(700, 700), False),
        ("w_1280", Size(3000, 2000), True),
        ("w_1281", Size(3000, 2000), False),
        ("w_1280", Size(12_000, 9000), True),
        ("w_100-h_1281", Size(2000, 3000), False),
    ],
)
def test_what_comes_out_of_them_as_well(operations: str, upright: Size, *, fits: bool) -> None:
    assert fits_pixels(layout_of(operations, upright), upright) is fits


@pytest.mark.parametrize(
    ("operations", "frames", "heavy"),
    [
        ("w_2000-h_1000", 1, False),
        ("w_2000-h_1001", 1, True),
        ("w_1000-h_1000", 3, True),
        ("w_100-h_3000", 1, True),  # scaled to cover, and most of it cut off
        ("w_2000-h_1500-f_pad", 1, True),
    ],
)
def test_what_is_much_work_besides_decoding(operations: str, frames: int, *, heavy: bool) -> None:
    assert is_heavy(layout_of(operations, Size(6000, 3000)), frames) is heavy


def original(folder: Path, image: pyvips.Image, orientation: int) -> Path:
    path = folder / f"{orientation}.png"
    held(image, orientation).pngsave(str(path), compression=1)
    return path


def decoded(decoders: Decoders, source: Path) -> Path:
    path = source.with_suffix(".pixels")
    with path.open("wb") as target:
        write_pixels(decoders.open(source, Limits(MEGAPIXELS_50)), target.fileno())
    assert path.stat().st_size <= PIXELS_BYTES
    return path


def both(pipeline: Pipeline, source: Path, pixels: Path, operations: str, upright: Size) -> list[pyvips.Image]:
    direct = render_job(source, operations, "png")
    kept = render_job(pixels, operations, "png", original=upright, decoded=True)
    return [open_bytes(pipeline.render(job).data) for job in (direct, kept)]


@pytest.mark.parametrize("orientation", [1, 6, 8])
@pytest.mark.parametrize(
    "operations", ["w_500", "w_300-h_300", "w_500-h_100-g_northeast", "w_400-r_20-b_fff", "w_480-r_90-flop", "fmt_png"]
)
def test_of_a_small_one_come_the_same_variants(
    pipeline: Pipeline, decoders: Decoders, tmp_path: Path, operations: str, orientation: int
) -> None:
    upright = Size(1001, 777)
    source = original(tmp_path, noise(*upright), orientation)
    direct, kept = both(pipeline, source, decoded(decoders, source), operations, upright)
    assert direct.bands == kept.bands
    assert distance(direct, kept) < 2.5  # half a pixel would show as some ten


@pytest.mark.parametrize("orientation", [1, 6])
def test_of_a_large_one_come_variants_that_look_the_same(
    pipeline: Pipeline, decoders: Decoders, tmp_path: Path, orientation: int
) -> None:
    upright = Size(3601, 2400)
    source = original(tmp_path, noise(*upright), orientation)
    pixels = decoded(decoders, source)
    for operations in ("w_500", "w_333-h_333"):
        # A shift by half a pixel would show as some ten levels in this grain.
        assert distance(*both(pipeline, source, pixels, operations, upright)) < 2.5


def test_an_originals_limit_holds_for_what_is_made_of_its_pixels(
    pipeline: Pipeline, decoders: Decoders, tmp_path: Path
) -> None:
    upright = Size(2500, 900)
    source = original(tmp_path, noise(*upright), 1)
    pixels = decoded(decoders, source)
    for limit, refused in ((2500 * 900, False), (2500 * 900 - 1, True)):
        job = render_job(pixels, "w_100", "png", max_pixels=limit, original=upright, decoded=True)
        with pytest.raises(PictureRefused) if refused else nullcontext():
            pipeline.render(job)


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_gray_and_alpha_stay(pipeline: Pipeline, decoders: Decoders, tmp_path: Path, bands: int) -> None:
    grain = noise(800, 700)
    image = grain if bands > 2 else grain[0].copy(interpretation="b-w")
    image = image.bandjoin(grain[1]) if bands in (2, 4) else image
    source = tmp_path / "source.png"
    image.pngsave(str(source))
    direct, kept = both(pipeline, source, decoded(decoders, source), "w_100", Size(800, 700))
    assert (kept.bands, kept.interpretation) == (direct.bands, direct.interpretation)
    assert (direct.cast("float") - kept.cast("float")).abs().max() == 0


def test_none_of_the_formats_that_may_come_in(decoders: Decoders, pipeline: Pipeline, tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    gradient(800, 700).pngsave(str(source))
    pixels = decoded(decoders, source)
    with pytest.raises(UnsupportedType):
        pipeline.render(render_job(pixels, "w_100", "png"))


class Counting(Sources):
    """Tells how often something was written."""

    written = 0

    def make(self, name: str, write: Any) -> None:
        self.written += 1
        super().make(name, write)


@pytest.fixture
def kept(tmp_path: Path) -> Counting:
    return Counting(tmp_path / "pixels", PLENTY)


@pytest.fixture
def client(pool: Pool, kept: Counting) -> Renderers:
    return Renderers(pool.socket, pixels=kept)


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    path = tmp_path / "photograph.jpg"
    noise(1000, 800).jpegsave(str(path))
    return path


def wanted(source: Path, width: int, **changes: Any) -> RenderJob:
    return render_job(source, f"w_{width}", **{"upright": (1000, 800), "content_hash": "c" * 64} | changes)


NAME = str(kept_as(wanted(Path("any"), 100)))


def test_one_size_is_not_worth_it_a_second_one_is(client: Renderers, kept: Counting, photograph: Path) -> None:
    assert client.render(wanted(photograph, 100)).width == 100
    assert kept.written == 0
    for width in (200, 300):
        assert client.render(wanted(photograph, width)).width == width
        assert kept.written == 1
    photograph.write_bytes(b"not a picture any more")
    assert client.render(wanted(photograph, 400)).width == 400


def test_they_do_without_the_original(client: Renderers, photograph: Path) -> None:
    job = wanted(photograph, 300)
    assert client.render_kept(job) is None
    for width in (100, 200):
        client.render(wanted(photograph, width))
    photograph.unlink()
    found = client.render_kept(job)
    assert found is not None
    assert found.width == 300
    assert client.render_kept(wanted(photograph, 300, upright=None)) is None


def test_one_turn_is_enough_to_keep_them(start_pool: Callable[..., Pool], kept: Counting, photograph: Path) -> None:
    """Who asks for the second size stands in line once, as everybody."""
    pool = start_pool()
    client = Renderers(pool.socket, pixels=kept)
    for width in (100, 200):
        assert client.render(wanted(photograph, width)).width == width
    assert kept.written == 1
    client.render(wanted(photograph, 300))
    until(lambda: pool.client.ping().busy == 0)  # the last one is told of after its caller has its answer
    assert sum(event["event"] == "job_done" for event in pool.events()) == 3


def test_of_many_at_once_one_decodes(client: Renderers, kept: Counting, photograph: Path) -> None:
    client.render(wanted(photograph, 100))
    with ThreadPoolExecutor(8) as clients:
        made = list(clients.map(lambda width: client.render(wanted(photograph, width)), range(200, 216)))
    assert [rendered.width for rendered in made] == list(range(200, 216))
    assert kept.written == 1


def test_who_waited_for_the_pixels_holds_up_nobody_else(
    client: Renderers, kept: Counting, photograph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (100, 200):
        client.render(wanted(photograph, width))
    free: list[bool] = []

    def seen(self: Decoded, *job: Any) -> Any:
        with ThreadPoolExecutor(1) as other:
            free.append(other.submit(lambda: kept.alone(NAME, 0).__enter__()).result())
        return render(self, *job)

    render = Decoded.render
    monkeypatch.setattr(Decoded, "render", seen)
    assert client.render(wanted(photograph, 300)).width == 300
    assert free == [True]


def test_nobody_waits_long_for_another_ones_decoding(client: Renderers, kept: Counting, photograph: Path) -> None:
    client.render(wanted(photograph, 100))
    with kept.alone(NAME), ThreadPoolExecutor(1) as other:

        def ask(seconds: float) -> Rendered:
            return other.submit(client.render, wanted(photograph, 200, deadline=seconds)).result()

        assert given_time(ask, 2.0).width == 200
    assert kept.written == 0


def other_engines(whole: bytes) -> bytes:
    return whole.replace(b"libvips 8.", b"libvips 7.", 1)


def cut_off(whole: bytes) -> bytes:
    return whole[:1000]


def of_another_size(whole: bytes) -> bytes:
    return whole[:64] + b"\x7f" * 12 + whole[76:]


def emptied(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [other_engines, cut_off, of_another_size, emptied])
def test_what_will_not_do_is_made_anew_of_the_original(
    client: Renderers, kept: Counting, photograph: Path, damage: Callable[[bytes], bytes]
) -> None:
    for width in (100, 200):
        client.render(wanted(photograph, width))
    (path,) = (kept_file for kept_file in (photograph.parent / "pixels").iterdir())
    path.write_bytes(damage(path.read_bytes()))
    assert client.render_kept(wanted(photograph, 300)) is None
    assert not path.exists()
    assert client.render(wanted(photograph, 300)).width == 300
    path.write_bytes(damage(path.read_bytes()))
    for width in (400, 500):
        assert client.render(wanted(photograph, width)).width == width
    assert kept.written == 3
    assert client.render_kept(wanted(photograph, 600)) is not None


@pytest.mark.parametrize("breakdown", [RendererCrashed("it broke"), RendererDied("renderers", "it was killed")])
def test_pixels_that_break_a_renderer_go_and_the_original_decides(
    client: Renderers, kept: Counting, photograph: Path, monkeypatch: pytest.MonkeyPatch, breakdown: Exception
) -> None:
    """They may be broken, and it not."""
    for width in (100, 200):
        client.render(wanted(photograph, width))

    def breaks(*_: object) -> Any:
        raise breakdown

    with monkeypatch.context() as patch:
        patch.setattr(client._pool, "ask", breaks)
        assert client.render_kept(wanted(photograph, 300)) is None
    assert client.render_kept(wanted(photograph, 300)) is None
    for width in (300, 400):
        assert client.render(wanted(photograph, width)).width == width
    assert kept.written == 2


def test_pixels_are_not_to_blame_for_what_took_too_long(
    client: Renderers, photograph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (100, 200):
        client.render(wanted(photograph, width))

    def stopped(*_: object) -> Any:
        raise RendererStopped("it was stopped")

    for ask in (client.render_kept, client.render):
        with monkeypatch.context() as patch:
            patch.setattr(client._pool, "ask", stopped)
            with pytest.raises(RenderTimeout) as timeout:
                ask(wanted(photograph, 300))
        assert not isinstance(timeout.value, BREAKDOWNS)
    assert client.render_kept(wanted(photograph, 300)) is not None


def test_the_time_of_the_whole_request_counts(client: Renderers, photograph: Path) -> None:
    for width in (100, 200):
        client.render(wanted(photograph, width))
    over = wanted(photograph, 300, until=time.monotonic() - 1)
    for ask in (client.render, client.render_kept):
        with pytest.raises(Overloaded):
            ask(over)


def test_what_is_kept_was_decoded_once(
    pipeline: Pipeline, decoders: Decoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = original(tmp_path, noise(1000, 800), 1)
    opened: list[object] = []
    monkeypatch.setattr(
        decoders, "open", lambda *job, **more: opened.append(job) or Decoders.open(decoders, *job, **more)
    )
    with (tmp_path / "pixels").open("w+b") as target:
        rendered = pipeline.render(render_job(source, "w_100"), target.fileno())
    assert (rendered.width, rendered.kept, len(opened)) == (100, True, 1)


def test_tenants_do_not_share_them(client: Renderers, kept: Counting, photograph: Path) -> None:
    for tenant in "aabb":
        client.render(wanted(photograph, 100, tenant=tenant))
    assert kept.written == 2


def test_where_they_will_not_do_they_are_not_kept(client: Renderers, kept: Counting, photograph: Path) -> None:
    for _ in range(3):
        client.render(wanted(photograph, 100, upright=None))
    assert kept.written == 0


def test_a_full_disk_keeps_nobody_waiting(pool: Pool, photograph: Path, tmp_path: Path) -> None:
    """Neither here, where no file can be made, nor in a renderer, which may not write so much. It is not tried again
    at once, since to decode more than one size wants is then in vain.
    """
    (tmp_path / "taken").touch()
    here = Counting(tmp_path / "taken", PLENTY)
    with Pool(tmp_path, file_bytes=1000) as narrow:
        there = Counting(tmp_path / "pixels", PLENTY)
        for socket, sources in ((pool.socket, here), (narrow.socket, there)):
            client = Renderers(socket, pixels=sources)
            for _ in range(4):
                rendered = client.render(wanted(photograph, 100))
                assert (rendered.width, rendered.kept) == (100, False)
            assert sources.written == 1
    assert list((tmp_path / "pixels").iterdir()) == []


def test_what_can_not_be_decoded_is_said_to_be(client: Renderers, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    noise(1000, 800).jpegsave(str(broken))
    broken.write_bytes(broken.read_bytes()[:20_000])
    for _ in range(2):
        with pytest.raises(PictureRefused):
            client.render(wanted(broken, 100))
