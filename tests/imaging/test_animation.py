"""Animations in and out."""

from pathlib import Path

import pytest
import pyvips

from mezzotint.imaging.decode import Decoders
from mezzotint.imaging.inspection import inspect
from mezzotint.model.errors import OutputTooLarge, PictureRefused
from tests.imaging.conftest import Renderer
from tests.imaging.pictures import distance, gradient, open_bytes, solid
from tests.imaging.pool import inspect_job

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]
DELAYS = [100, 250, 60, 1200]


def animate(frames: list[pyvips.Image], path: Path, loop: int = 3) -> Path:
    strip = pyvips.Image.arrayjoin(frames, across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    strip.set_type(pyvips.GValue.gint_type, "loop", loop)
    strip.set_type(pyvips.GValue.array_int_type, "delay", DELAYS)
    strip.write_to_file(str(path), **({"lossless": True} if path.suffix == ".webp" else {}))
    return path


@pytest.fixture(params=["gif", "webp"])
def moving(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    frames = [solid(60, 40, colour).draw_rect([0, 0, 0], 0, 0, 20, 40, fill=True) for colour in COLOURS]
    return animate(frames, tmp_path / f"moving.{request.param}")


@pytest.mark.parametrize("ext", ["gif", "webp"])
@pytest.mark.parametrize(
    ("operations", "size", "spot"),
    [
        ("w_30", (30, 20), (25, 10)),
        ("w_20-h_20-g_east", (20, 20), (15, 10)),
        ("w_20-h_20-g_attention", (20, 20), None),
        ("r_90", (40, 60), (20, 50)),
        ("flop", (60, 40), (10, 20)),
        ("w_50-h_50-f_pad", (50, 50), (40, 25)),
        ("w_30-blur_0.5-sharpen_1", (30, 20), (25, 10)),
    ],
)
def test_frames_delays_and_loop_survive(
    render: Renderer, moving: Path, ext: str, operations: str, size: tuple[int, int], spot: tuple[int, int] | None
) -> None:
    rendered = render.bytes(moving, operations, ext)
    strip = open_bytes(rendered.data, n=-1)
    assert (rendered.width, rendered.height) == (strip.width, strip.get("page-height")) == size
    assert rendered.frames == strip.get("n-pages") == 4
    assert strip.get("delay") == DELAYS
    assert strip.get("loop") == 3
    for number, colour in enumerate(COLOURS):
        frame = strip.crop(0, number * size[1], *size)
        if spot:
            assert distance(frame.crop(*spot, 1, 1), solid(1, 1, colour)) < 30


@pytest.mark.parametrize("ext", ["jpg", "png", "avif"])
def test_still_formats_show_the_first_frame(render: Renderer, moving: Path, ext: str) -> None:
    rendered = render.bytes(moving, "w_30", ext)
    assert rendered.frames == 1
    assert distance(open_bytes(rendered.data).crop(20, 5, 5, 5), solid(5, 5, COLOURS[0])) < 8


def test_transparent_frames_stay_apart(render: Renderer, tmp_path: Path) -> None:
    frames = [solid(20, 20, (*colour, 255)).insert(solid(10, 20, (0, 0, 0, 0)), 0, 0) for colour in COLOURS]
    rendered = render.bytes(animate(frames, tmp_path / "clear.webp"), "w_20", "gif")
    strip = open_bytes(rendered.data, n=-1)
    for number in range(4):
        assert strip(3, number * 20 + 10)[3] == 0
        assert strip(16, number * 20 + 10)[3] == 255


def test_one_crop_for_all_frames(render: Renderer, tmp_path: Path) -> None:
    """What interests in later frames does not move the crop."""
    ground = solid(300, 60, (128, 128, 128))
    frames = [ground.draw_circle([255, 0, 0], x, 30, 20, fill=True) for x in (40, 260, 150, 260)]
    rendered = render.bytes(animate(frames, tmp_path / "wander.gif"), "w_60-h_60-g_attention", "webp")
    strip = open_bytes(rendered.data, n=-1)
    assert strip(30, 30)[0] > 200
    assert abs(strip(30, 60 + 30)[0] - 128) < 20


def test_orientation_of_an_animation(render: Renderer, tmp_path: Path) -> None:
    source = animate([solid(60, 40, colour) for colour in COLOURS], tmp_path / "m.webp")
    assert render.bytes(source, "r_90", "webp").height == 60


def test_frames_count_towards_every_limit(render: Renderer, moving: Path) -> None:
    pixels = 60 * 40
    with pytest.raises(PictureRefused):
        render.bytes(moving, "w_10", "webp", max_pixels=4 * pixels - 1)
    with pytest.raises(OutputTooLarge):
        render.bytes(moving, "flip", "webp", max_output_pixels=4 * pixels - 1)
    assert render.bytes(moving, "flip", "png", max_output_pixels=pixels).frames == 1


def test_too_many_frames_are_refused(render: Renderer, tmp_path: Path) -> None:
    strip = gradient(4, 4 * 257).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", 4)
    strip.gifsave(str(tmp_path / "long.gif"), keep_duplicate_frames=True)
    with pytest.raises(PictureRefused, match="257 frames"):
        render.bytes(tmp_path / "long.gif", "w_4", "png")


def test_inspection_counts_frames(decoders: Decoders, moving: Path) -> None:
    facts = inspect(decoders, inspect_job(moving))
    assert (facts.width, facts.height, facts.frames) == (60, 40, 4)


@pytest.mark.parametrize(
    ("name", "frames", "loop"),
    [("goldensection_anim_loop3.gif", 10, 3), ("star_anim.gif", 4, 0), ("derived/drone_anim12.webp", 12, 0)],
)
@pytest.mark.parametrize("ext", ["gif", "webp"])
def test_real_animations(render: Renderer, corpus: Path, name: str, frames: int, loop: int, ext: str) -> None:
    source = pyvips.Image.new_from_file(str(corpus / "photos" / name), n=-1)
    result = open_bytes(render.bytes(corpus / "photos" / name, "w_90", ext).data, n=-1)
    assert (result.get("n-pages"), result.get("loop")) == (frames, loop)
    assert result.get("delay") == source.get("delay")
    assert distance(result.crop(0, 0, 90, result.get("page-height")),
                    render.picture(corpus / "photos" / name, "w_90", "png")) < 8  # fmt: skip
