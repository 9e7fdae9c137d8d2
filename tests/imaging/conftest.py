"""Pictures, a pipeline in this process, and a pool of real renderers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pyvips

from mezzotint import registry
from mezzotint.imaging import pool as pool_client
from mezzotint.imaging.decode import Decoders
from mezzotint.imaging.geometry import Layout, Size, lay_out
from mezzotint.imaging.jobs import Rendered
from mezzotint.imaging.pipeline import Pipeline
from tests.imaging.pictures import open_bytes
from tests.imaging.pool import PATIENCE, Pool, render_job

MEGAPIXELS_50 = 50_000_000


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for some seconds is no pool that hangs."""
    monkeypatch.setattr(pool_client, "_PING_SECONDS", PATIENCE)


@pytest.fixture(scope="session")
def decoders() -> Decoders:
    return Decoders(decoder() for decoder in registry.load(["standard"]).decoders.values())


@pytest.fixture(scope="session")
def pipeline(decoders: Decoders) -> Pipeline:
    found = registry.load(["standard"])
    return Pipeline(found.grammar(), decoders, [encoder() for encoder in found.encoders.values()])


def layout_of(operations: str, upright: Size) -> Layout:
    """What the built-in operations make of a picture of that size."""
    grammar = registry.load(["standard"]).grammar()
    return lay_out(grammar.operations(grammar.parse(operations, "jpg")), upright)


@dataclass(frozen=True)
class Renderer:
    """Renders in this process; `picture` gives the result decoded again."""

    pipeline: Pipeline
    folder: Path

    def bytes(self, source: Path | pyvips.Image, operations: str, ext: str = "png", **limits: int) -> Rendered:
        if not isinstance(source, Path):
            image, source = source, self.folder / "source.png"
            image.pngsave(str(source))
        return self.pipeline.render(render_job(source, operations, ext, **limits))

    def picture(self, source: Path | pyvips.Image, operations: str, ext: str = "png", **limits: int) -> pyvips.Image:
        rendered = self.bytes(source, operations, ext, **limits)
        image = open_bytes(rendered.data)
        assert (image.width, image.height) == (rendered.width, rendered.height)
        return image


@pytest.fixture
def render(pipeline: Pipeline, tmp_path: Path) -> Renderer:
    return Renderer(pipeline, tmp_path)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with Pool(tmp_path_factory.mktemp("pool")) as running:
        yield running


@pytest.fixture
def start_pool(tmp_path: Path) -> Iterator[Callable[..., Pool]]:
    started: list[Pool] = []

    def start(**settings: float) -> Pool:
        started.append(Pool(tmp_path, **settings).__enter__())
        return started[-1]

    yield start
    for pool in started:
        pool.__exit__(None, None, None)
