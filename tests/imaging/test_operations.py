"""Every operation against an expectation that does not come from the pipeline."""

import math
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st

from mezzotint import registry
from mezzotint.grammar import Grammar
from mezzotint.imaging.decode import Decoders
from mezzotint.imaging.pipeline import Pipeline
from mezzotint.model.errors import OutputTooLarge
from mezzotint.plugin_api import Frame, Image, Operation, Stage, Target, flag, integer
from tests.imaging.conftest import Renderer
from tests.imaging.pictures import close, distance, gradient, noise, plain, quarters, solid, with_orientation

CORNERS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def corners(image: pyvips.Image) -> list[str]:
    """The colours of the four quarters of `quarters()` after what was done to it: row by row."""
    image = plain(image)
    places = [(image.width * x // 4, image.height * y // 4) for y in (1, 3) for x in (1, 3)]
    return [min(CORNERS, key=lambda name: _far(image(*place), CORNERS[name])) for place in places]


def _far(pixel: list[float], colour: tuple[int, ...]) -> float:
    return sum(abs(one - other) for one, other in zip(pixel, colour, strict=True))


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ("w_32", "red green blue white"),
        ("r_90", "blue red white green"),
        ("r_180", "white blue green red"),
        ("r_270", "green white red blue"),
        ("r_450", "blue red white green"),
        ("flip", "blue white red green"),
        ("flop", "green red white blue"),
        ("flip-flop", "white blue green red"),
        ("r_90-flop", "red blue green white"),
        ("r_90-flip", "white green blue red"),
        ("w_20-r_90-flip-flop", "green white red blue"),
    ],
)
def test_turns_come_before_mirrors(render: Renderer, operations: str, expected: str) -> None:
    assert corners(render.picture(quarters(), operations)) == expected.split()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("operations", ["w_40", "w_30-h_20", "w_20-h_30-g_north", "r_90-flop", "r_20-b_ff0", "w_8"])
def test_orientation_changes_nothing(render: Renderer, tmp_path: Path, orientation: int, operations: str) -> None:
    upright = gradient(60, 40).resize(2)
    inverse = {1: [], 2: ["fliphor"], 3: ["rot180"], 4: ["flipver"], 6: ["rot270"], 8: ["rot90"]}
    inverse |= {5: ["rot90", "fliphor"], 7: ["rot270", "fliphor"]}
    stored = upright
    for step in inverse[orientation]:
        stored = getattr(stored, step)()
    expected = render.picture(with_orientation(upright, 1, tmp_path / "1.jpg"), operations)
    result = render.picture(with_orientation(stored, orientation, tmp_path / "o.jpg"), operations)
    assert distance(result, expected) < 1.5


@pytest.mark.parametrize("turn", ["", "-flop", "-flip", "-flip-flop"])
@pytest.mark.parametrize("width", [20, 37, 61, 100, 173, 240])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_output_begins_exactly_on_the_corner(
    render: Renderer, tmp_path: Path, turn: str, width: int, suffix: str
) -> None:
    """Two ramps say where each output pixel comes from; sides that don't scale to whole pixels would move it."""
    size = (251, 173)
    ramps = pyvips.Image.xyz(*size).bandjoin(0).cast("uchar").copy(interpretation="srgb")
    path = tmp_path / f"ramps.{suffix}"
    ramps.write_to_file(str(path), **({"Q": 100} if suffix == "jpg" else {}))
    result = render.picture(path, f"w_{width}{turn}")
    edge = 2 + width // 60
    middle = result.crop(edge, edge, result.width - 2 * edge, result.height - 2 * edge)
    for band, mirror in enumerate(("flop", "flip")):
        extent = (result.width, result.height)[band]
        expected = extent / 2 * size[0] / width - 0.5
        if mirror in turn:
            expected = size[band] - 1 - expected
        # a tenth of an output pixel, and a quarter of a level for what JPEG does
        assert abs(middle[band].avg() - expected) < 0.1 * size[0] / width + 0.25, mirror


def test_fill_ignores_the_aspect(render: Renderer) -> None:
    result = render.picture(gradient(100, 100), "w_80-h_20-f_fill")
    assert distance(result, gradient(80, 20)) < 4


@pytest.mark.parametrize(
    ("gravity", "left", "top"),
    [("center", 50, 0), ("west", 0, 0), ("east", 100, 0), ("northwest", 0, 0), ("south", 50, 0)],
)
def test_cover_keeps_what_gravity_says(render: Renderer, gravity: str, left: int, top: int) -> None:
    source = gradient(200, 100)
    result = render.picture(source, f"w_100-h_100-g_{gravity}")
    assert distance(result, source.crop(left, top, 100, 100)) < 1


@pytest.mark.parametrize("gravity", ["attention", "entropy"])
@pytest.mark.parametrize("where", [0, 500, 260])
def test_smart_gravities_find_the_interesting_part(render: Renderer, gravity: str, where: int) -> None:
    patch = noise(100, 100).draw_circle([255, 40, 40], 50, 50, 30, fill=True)
    source = solid(600, 100, (120, 120, 120)).insert(patch, where, 0)
    result = render.picture(source, f"w_100-h_100-g_{gravity}")
    assert distance(result, patch) < 45
    assert distance(result, solid(100, 100, (120, 120, 120))) > 20


def test_smart_gravity_of_an_endless_enlargement_is_refused(render: Renderer) -> None:
    with pytest.raises(OutputTooLarge):
        render.bytes(gradient(2, 1000), "w_4000-h_10-up-g_attention")


@pytest.mark.parametrize(
    ("operations", "size", "inside", "outside"),
    [
        ("w_60-h_60-f_contain", (60, 60), (0, 15), (0, 0, 0, 0)),
        ("w_60-h_60-f_contain-b_f00", (60, 60), (0, 15), (255, 0, 0)),
        ("w_60-h_60-f_contain-b_f008", (60, 60), (0, 15), (255, 0, 0, 136)),
        ("w_60-h_60-f_contain-g_north", (60, 60), (0, 0), (0, 0, 0, 0)),
        ("w_60-h_60-f_contain-g_southeast", (60, 60), (0, 30), (0, 0, 0, 0)),
        ("w_60-h_60-f_contain-g_attention", (60, 60), (0, 15), (0, 0, 0, 0)),
        ("w_60-h_60-f_pad", (60, 60), (0, 15), (255, 255, 255)),
        ("w_60-h_60-f_pad-b_00ff00", (60, 60), (0, 15), (0, 255, 0)),
        ("w_400-h_300-f_pad", (400, 300), (100, 100), (255, 255, 255)),
    ],
)
def test_canvas(
    render: Renderer, operations: str, size: tuple[int, int], inside: tuple[int, int], outside: tuple[int, ...]
) -> None:
    result = render.picture(gradient(200, 100), operations)
    assert (result.width, result.height) == size
    shown = render.picture(gradient(200, 100), f"w_{min(200, size[0])}")
    assert distance(result.crop(*inside, shown.width, shown.height), shown) < 1
    empty = (0, 0) if inside[1] > 0 else (0, size[1] - 1)
    assert close(result(*empty), outside, 0)


@pytest.mark.parametrize(
    ("operations", "ext", "expected"),
    [
        ("w_10", "png", (255, 0, 0, 128)),
        ("w_10", "jpg", (255, 127, 127)),
        ("w_10-b_00f", "png", (128, 0, 127)),
        ("w_10-b_0000", "jpg", (255, 127, 127)),
        ("w_10-b_00f", "jpg", (128, 0, 127)),
        ("w_10-b_0000ff80", "png", (171, 0, 85, 192)),
        ("w_20-h_20-f_pad", "png", (255, 127, 127)),
        ("w_10", "webp", (255, 0, 0, 128)),
        ("w_10", "avif", (255, 0, 0, 128)),
    ],
)
def test_background_lies_behind_a_transparent_picture(
    render: Renderer, operations: str, ext: str, expected: tuple[int, ...]
) -> None:
    result = render.picture(solid(20, 20, (255, 0, 0, 128)), operations, ext)
    assert close(result(result.width // 2, result.height // 2), expected, 4)


@pytest.mark.parametrize("ext", ["png", "jpg"])
def test_gray_on_a_colour_is_in_colour(render: Renderer, ext: str) -> None:
    result = render.picture(solid(40, 20, (90,)), "w_40-h_40-f_pad-b_f00", ext)
    assert close(result(20, 2), (255, 0, 0), 4)
    assert close(result(20, 20), (90, 90, 90), 12)


@pytest.mark.parametrize("operations", ["w_13", "blur_3", "sharpen_2", "blur_90", "r_10", "w_30-r_45", "w_100-up"])
def test_colours_that_nobody_sees_do_not_bleed(render: Renderer, operations: str) -> None:
    seen = solid(40, 40, (255, 0, 0, 255))
    green, black = (
        render.picture(seen.insert(solid(20, 40, (*hidden, 0)), 0, 0), operations)
        for hidden in ((0, 255, 0), (0, 0, 0))
    )
    assert distance(green, black) == 0
    assert plain(green)(green.width * 7 // 8, green.height // 2)[0] > 200


@pytest.mark.parametrize(("degrees", "flop"), [(30, False), (135, False), (30, True), (350, False)])
def test_oblique_rotation_turns_about_the_middle(render: Renderer, degrees: int, flop: bool) -> None:
    source = solid(90, 60, (0, 0, 255)).draw_circle([255, 0, 0], 45, 30, 12, fill=True)
    marked = source.draw_rect([0, 255, 0], 70, 22, 16, 16, fill=True)
    result = render.picture(marked, f"r_{degrees}-b_ffff00" + ("-flop" if flop else ""))
    middle = (result.width // 2, result.height // 2)
    assert close(result(*middle), (255, 0, 0))
    assert close(result(0, 0), (255, 255, 0))
    radians = math.radians(degrees)
    x, y = 33 * math.cos(radians), 33 * math.sin(radians)
    place = (round(middle[0] + (-x if flop else x)), round(middle[1] + y))
    assert close(result(*place), (0, 255, 0), 8)


def test_oblique_corners_are_transparent_or_white(render: Renderer) -> None:
    assert render.picture(solid(50, 50, (1, 2, 3)), "r_45", "png")(0, 0)[3] == 0
    assert close(render.picture(solid(50, 50, (1, 2, 3)), "r_45", "jpg")(0, 0), (255, 255, 255), 4)


@pytest.mark.parametrize("operations", ["w_50-r_30", "w_50-h_20-r_30", "w_30-h_60-f_fill-r_30", "w_300-up-r_60"])
def test_oblique_rotation_comes_before_the_resize(render: Renderer, operations: str) -> None:
    turned = render.picture(noise(160, 120), f"r_{operations.rpartition('_')[2]}-b_808080")
    expected = render.picture(turned, operations.rpartition("-r_")[0])
    assert distance(render.picture(noise(160, 120), f"{operations}-b_808080"), expected) < 5


@pytest.mark.parametrize("sigma", ["0.3", "1", "7.5", "8", "16.5", "40", "100"])
def test_blur_is_gaussian(render: Renderer, sigma: str) -> None:
    source = noise(300, 200)
    expected = source.gaussblur(float(sigma), precision="float", min_ampl=0.01)
    assert distance(render.picture(source, f"blur_{sigma}"), expected) < 2.5


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (50, 2)])
def test_blur_wider_than_the_picture(render: Renderer, size: tuple[int, int]) -> None:
    assert close(render.picture(solid(*size, (10, 200, 30)), "blur_1000")(0, 0), (10, 200, 30), 1)


@pytest.mark.parametrize("sigma", ["0.01", "0.5", "2.5", "10"])
def test_sharpen_is_that_of_libvips(render: Renderer, sigma: str) -> None:
    source = noise(200, 150)
    assert distance(render.picture(source, f"sharpen_{sigma}"), source.sharpen(sigma=float(sigma))) < 0.01


def test_bw_is_gray(render: Renderer) -> None:
    result = render.picture(quarters(), "bw")
    assert result.bands == 1
    assert distance(result, quarters().colourspace("b-w")) < 1


def test_bw_keeps_transparency(render: Renderer) -> None:
    assert render.picture(solid(9, 9, (255, 0, 0, 60)), "bw")(4, 4)[1] == 60


def test_blur_comes_before_gray_and_behind_the_canvas(render: Renderer) -> None:
    blurred = render.picture(solid(40, 20, (0, 0, 0)), "w_40-h_40-f_pad-blur_3-bw")
    assert 40 < blurred(20, 10)[0] < 215


def test_enlargement_needs_up(render: Renderer) -> None:
    assert render.picture(gradient(50, 30), "w_100").width == 50
    assert distance(render.picture(gradient(50, 30), "w_100-up"), gradient(100, 60)) < 5


def test_dpr_multiplies_the_box(render: Renderer) -> None:
    assert render.picture(gradient(300, 200), "w_50-dpr_2.5").width == 125


@pytest.mark.parametrize("ext", ["jpg", "webp", "avif", "png", "gif"])
def test_less_quality_is_fewer_bytes(render: Renderer, ext: str) -> None:
    source = noise(200, 200)
    sizes = [len(render.bytes(source, f"q_{quality}", ext).data) for quality in (10, 50, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]
    render.picture(source, "q_auto", ext)


@pytest.mark.parametrize("ext", ["png", "gif"])
def test_palette_of_low_quality_is_small(render: Renderer, ext: str) -> None:
    def colours(operations: str) -> int:
        image = plain(render.picture(noise(100, 100), operations, ext))
        data = bytes(image.write_to_memory())
        return len({data[at : at + 3] for at in range(0, len(data), 3)})

    assert colours("q_20") <= 128
    assert colours("w_100") > 200


@pytest.mark.parametrize("ext", ["jpg", "png", "webp", "avif", "gif"])
def test_formats_say_what_they_are(render: Renderer, ext: str) -> None:
    rendered = render.bytes(gradient(30, 20), "w_30", ext)
    begins = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG", "webp": b"RIFF", "gif": b"GIF89a", "avif": b"\0\0\0"}
    assert rendered.data.startswith(begins[ext])
    assert (rendered.format, rendered.frames) == (ext, 1)
    assert rendered.media_type == f"image/{'jpeg' if ext == 'jpg' else ext}"


def test_webp_holds_no_longer_side(render: Renderer) -> None:
    strip = solid(16_384, 1, (1, 2, 3))
    assert render.picture(strip, "w_8192", "webp").width == 8192
    with pytest.raises(OutputTooLarge):
        render.bytes(strip, "fmt_webp", "webp")
    assert render.picture(strip, "fmt_jpg", "jpg").width == 16_384


def test_output_pixels_are_bounded(render: Renderer) -> None:
    with pytest.raises(OutputTooLarge):
        render.bytes(gradient(100, 100), "w_100", max_output_pixels=9_999)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 60), st.integers(1, 60),
    st.sampled_from(["cover", "contain", "fill", "inside", "outside", "pad"]),
    st.sampled_from(["", "-up", "-r_90", "-r_33", "-flip-up", "-g_entropy", "-g_southwest-up"]),
)  # fmt: skip
def test_every_small_size_comes_out_as_announced(
    width: int, height: int, box_width: int, box_height: int, fit: str, more: str
) -> None:
    found = registry.load(["standard"])
    pipeline = Pipeline(found.grammar(), Decoders(d() for d in found.decoders.values()), [found.encoders["png"]()])
    with tempfile.TemporaryDirectory() as folder:
        Renderer(pipeline, Path(folder)).picture(gradient(width, height), f"w_{box_width}-h_{box_height}-f_{fit}{more}")


class Crop(Operation):
    """A stranger's operation: the part of the picture right of `x` and below `y`."""

    stage = Stage.CROP
    x: int | None = integer("x", 0, 8192)
    y: int | None = integer("y", 0, 8192)

    def shape(self, target: Target) -> Target:
        left, top = self.x or 0, self.y or 0
        return replace(target, region=(left, top, target.source_width - left, target.source_height - top))


class Invert(Operation):
    """Another stranger's: needs to know nothing."""

    stage = Stage.OVERLAY
    on: bool = flag("invert")

    def apply(self, image: Image, frame: Frame) -> Image:
        return image.invert() if frame.width else image


@pytest.fixture
def extended(tmp_path: Path) -> Renderer:
    found = registry.load(["standard"])
    grammar = Grammar([*found.operations, Crop, Invert], list(found.encoders.values()))
    decoders = Decoders(decoder() for decoder in found.decoders.values())
    return Renderer(Pipeline(grammar, decoders, [encoder() for encoder in found.encoders.values()]), tmp_path)


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
@pytest.mark.parametrize(("x", "y"), [(40, 24), (37, 21)])
def test_crop_operations_work_on_the_upright_original(
    extended: Renderer, tmp_path: Path, orientation: int, x: int, y: int
) -> None:
    stored = gradient(240, 160)
    upright = {1: stored, 3: stored.rot180(), 6: stored.rot90(), 7: stored.rot90().fliphor().rot180()}[orientation]
    source = with_orientation(stored, orientation, tmp_path / "o.jpg")
    expected = upright.crop(x, y, upright.width - x, upright.height - y).thumbnail_image(30, size="force", height=30)
    assert distance(extended.picture(source, f"w_30-h_30-f_fill-x_{x}-y_{y}"), expected) < 3


def test_a_strangers_operation_runs_at_its_stage(extended: Renderer) -> None:
    result = extended.picture(quarters(), "bw-invert")
    assert distance(result, quarters().colourspace("b-w").invert()) < 1
