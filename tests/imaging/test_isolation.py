"""What is decoded apart, and what a decoder that was taken over can't do there, nor among the renderers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mezzotint.imaging.client import RendererCrashed, Renderers, RendererStopped
from mezzotint.model.errors import PictureRefused, RenderTimeout
from tests.conftest import CORPUS
from tests.imaging.mischief.decoders.mischief import MARK
from tests.imaging.mischief.deeds import DEEDS
from tests.imaging.pictures import gradient, open_bytes
from tests.imaging.pool import Pool, inspect_job, render_job

PHOTOS, HOSTILE = CORPUS / "photos", CORPUS / "hostile"
KILLED = {"fork", "execute", "connect", "pair", "crash"}
STOPPED = {"loop", "wait", "spin_in_threads"}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">{}</svg>'


@pytest.fixture(scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with Pool(tmp_path_factory.mktemp("isolated"), isolated=True) as running:
        yield running


@pytest.fixture(scope="module")
def renderers(pool: Pool, isolated: Pool) -> Renderers:
    return Renderers(pool.socket, isolated.isolation())


def kind_of(deed: str) -> type[PictureRefused | RenderTimeout]:
    if deed in STOPPED:
        return RendererStopped
    return RendererCrashed if deed in KILLED else PictureRefused


@pytest.mark.parametrize("deed", DEEDS)
def test_no_deed_gets_out_of_an_isolated_renderer(renderers: Renderers, tmp_path: Path, deed: str) -> None:
    bad, good = tmp_path / "bad", tmp_path / "good.svg"
    bad.write_bytes(MARK + deed.encode())
    good.write_text(SVG.format("<circle r='9'/>"))
    with pytest.raises(kind_of(deed)):
        renderers.inspect(inspect_job(bad, deadline=1.0 if deed in STOPPED else 20.0))
    assert renderers.inspect(inspect_job(good)).format == "svg"
    assert not Path("/tmp/mischief").exists()


@pytest.mark.parametrize("deed", DEEDS)
def test_no_deed_gets_out_of_a_renderer(pool: Pool, tmp_path: Path, deed: str) -> None:
    gradient(20, 20).pngsave(str(tmp_path / "small.png"))
    with pytest.raises(kind_of(deed)):
        pool.client.render(
            render_job(tmp_path / "small.png", f"mischief_{deed}", deadline=1.0 if deed in STOPPED else 20.0)
        )
    assert pool.client.render(render_job(tmp_path / "small.png")).width == 20
    assert not Path("/tmp/mischief").exists()


def test_renderers_are_sealed_and_hold_no_file_but_their_own(pool: Pool, isolated: Pool) -> None:
    for pid in [*pool.workers, *isolated.workers]:
        status = Path(f"/proc/{pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
        held = {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}
        assert sum(name.startswith("socket:") for name in held) == 1, held


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
