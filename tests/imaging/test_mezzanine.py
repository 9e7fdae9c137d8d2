"""Mezzanines: what comes out of one is what comes out of its original."""

from fractions import Fraction
from pathlib import Path

import pytest
import pyvips

from mezzotint.imaging.decode import Decoders
from mezzotint.imaging.geometry import MEZZANINE_SIDE, Size, fits_mezzanine, wants_mezzanine
from mezzotint.imaging.jobs import MezzanineJob
from mezzotint.imaging.mezzanine import mezzanine
from mezzotint.imaging.pipeline import Pipeline
from tests.imaging.conftest import MEGAPIXELS_50, layout_of
from tests.imaging.pictures import distance, held, noise, open_bytes
from tests.imaging.pool import render_job

UPRIGHT = Size(2401, 3600)
"""odd, so that the mezzanine's sides are rounded"""


@pytest.fixture(scope="module", params=[1, 3, 6, 8])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One photograph, however the camera was held."""
    path = tmp_path_factory.mktemp("original") / f"{request.param}.jpg"
    held(noise(*UPRIGHT), request.param).jpegsave(str(path), Q=95, subsample_mode="off")
    return path


@pytest.fixture(scope="module")
def small(decoders: Decoders, original: Path) -> Path:
    made = mezzanine(decoders, MezzanineJob(original, "tenant", 10.0, MEGAPIXELS_50))
    path = original.with_suffix(".mezzanine.jpg")
    path.write_bytes(made.data)
    image = open_bytes(made.data)
    assert (image.width, image.height) == (made.width, made.height) == (1366, 2048)
    assert not [name for name in image.get_fields() if name.startswith(("exif", "icc", "xmp"))]
    return path


@pytest.mark.parametrize(
    "operations",
    ["w_500", "w_333-h_333", "w_300-h_500-g_north", "w_400-h_700-f_fill", "w_480-r_90-flop", "w_400-r_20-b_fff",
     "w_200-h_300-f_pad-b_0a0", "h_600-g_attention-w_300", "w_250-blur_2-bw"],
)  # fmt: skip
def test_variants_of_it_are_those_of_the_original(
    pipeline: Pipeline, original: Path, small: Path, operations: str
) -> None:
    assert fits_mezzanine(layout_of(operations, UPRIGHT), UPRIGHT)

    def render(source: Path, size: Size | None) -> pyvips.Image:
        job = render_job(source, operations, "png", original=size)
        return open_bytes(pipeline.render(job).data)

    # A shift by half a pixel would show as some ten levels in this grain.
    assert distance(render(original, None), render(small, UPRIGHT)) < 2.5


def test_only_what_is_small_enough_and_shows_all_comes_from_it() -> None:
    def fits(operations: str, upright: Size) -> bool:
        return fits_mezzanine(layout_of(operations, upright), upright)

    large = Size(4000, 3000)
    assert MEZZANINE_SIDE / Fraction(8, 5) == 1280
    assert fits("w_1280", large)
    assert not fits("w_1281", large)
    assert not fits("w_100-h_961", large), "a cut picture is scaled by its longer need"
    assert not fits("w_100", Size(3276, 2000))
    assert [wants_mezzanine(Size(3276, 9)), wants_mezzanine(Size(9, 3277))] == [False, True]
