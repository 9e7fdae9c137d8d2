"""Pictures that break renderers are kept away from them, at their own tenant alone."""

from collections.abc import Callable

import pytest

from mezzotint.data import audit
from mezzotint.imaging.client import (
    BREAKDOWNS,
    Rendered,
    RendererCrashed,
    RendererDied,
    Renderers,
    RendererStopped,
)
from mezzotint.imaging.sources import Sources
from mezzotint.model.errors import NotFound, Overloaded, PictureRefused, RenderTimeout
from mezzotint.model.identifiers import new_id
from tests.imaging.pool import Pool, render_job
from tests.servers.places import OPERATOR, settle, tenant_of

HASH = "5a" * 32


@pytest.fixture(scope="module")
def renderers(house, tmp_path_factory):
    with Pool(tmp_path_factory.mktemp("quarantine"), workers=1) as pool:
        yield Renderers(pool.socket, guard=house.quarantine.guard)


@pytest.fixture
def tenant(house):
    return lambda: str(tenant_of(house, settle(house)).id)


def held(house) -> set[tuple[str, str]]:
    return {(str(each.tenant_id), each.content_hash) for each in house.quarantine.page()}


def judged(ask: Callable[[], Rendered]) -> Rendered:
    """What comes of the picture itself: asked again where the machine stood still and the picture got no blame."""
    for _ in range(20):
        try:
            return ask()
        except RendererStopped:
            raise
        except (Overloaded, RenderTimeout):
            pass
    pytest.fail("it was never given its time")


@pytest.mark.parametrize(("deed", "breakdown"), [("crash", RendererCrashed), ("wait", RendererStopped)])
def test_the_second_broken_renderer_is_the_last(
    house, renderers: Renderers, tenant, picture, deed: str, breakdown: type[Exception]
) -> None:
    one, other, content = tenant(), tenant(), HASH[:-2] + deed.encode().hex()[:2]
    source = picture()

    def ask(who: str, operations: str = "w_20", what: str = content, **more: float):
        return judged(lambda: renderers.render(render_job(source, operations, tenant=who, content_hash=what, **more)))

    for _ in range(2):
        assert ask(one).width == 20
        assert (one, content) not in held(house)
        with pytest.raises(breakdown):
            ask(one, f"mischief_{deed}", deadline=1.0)
    with pytest.raises(PictureRefused, match="quarantine") as refused:
        ask(one)
    assert not isinstance(refused.value, BREAKDOWNS), "no renderer was asked"
    assert (one, content) in held(house)
    assert ask(other).width == 20, "another tenant's pictures do not suffer"
    assert ask(one, what="0b" * 32).width == 20, "nor do other pictures"

    assert house.quarantine.release(OPERATOR, content) == 1
    assert ask(one).width == 20
    with house.database.operator() as tx:
        told = [(entry.action, str(entry.tenant_id)) for entry in audit.page(tx, limit=10) if entry.subject == content]
    assert told == [("quarantine.release", one), ("quarantine.add", one)]


def test_what_much_work_lacks_is_not_the_pictures_fault(house, renderers: Renderers, tenant, picture) -> None:
    """Or any reader, by asking for much, could have a healthy picture put away. A crash is another matter."""
    who, source = tenant(), picture()

    def ask(operations: str, **more: float) -> None:
        judged(lambda: renderers.render(render_job(source, operations, tenant=who, content_hash=HASH, **more)))

    for _ in range(3):
        with pytest.raises(RendererStopped):
            ask("mischief_wait", heavy=True, deadline=0.3)
        job = render_job(source, tenant=who, content_hash=HASH, heavy=True)
        with pytest.raises(RendererDied), house.quarantine.guard(job):
            raise RendererDied("renderers", "somebody needed the memory")
    assert (who, HASH) not in held(house)
    for _ in range(2):
        with pytest.raises(RendererCrashed):
            ask("mischief_crash", heavy=True)
    assert (who, HASH) in held(house)


def test_kept_pixels_of_what_is_held_are_not_touched_either(house, tenant, picture, tmp_path, renderers) -> None:
    client = Renderers(tmp_path / "nobody", guard=house.quarantine.guard, pixels=Sources(tmp_path / "pixels", 1 << 20))
    job = render_job(picture(), "mischief_crash", tenant=tenant(), content_hash=HASH, upright=(800, 700))
    assert client.render_kept(job) is None
    for _ in range(2):
        with pytest.raises(RendererCrashed):
            renderers.render(job)
    with pytest.raises(PictureRefused, match="quarantine"):
        client.render_kept(job)


def test_what_is_not_held_can_not_be_released(house) -> None:
    with pytest.raises(NotFound):
        house.quarantine.release(OPERATOR, "0c" * 32)


def test_a_job_of_nobody_is_not_counted(house, renderers: Renderers, picture) -> None:
    """A tenant that was deleted meanwhile has no quarantine."""
    before = held(house)
    job = render_job(picture(), "mischief_crash", tenant=str(new_id()), content_hash=HASH)
    for _ in range(3):
        with pytest.raises(RendererCrashed):
            renderers.render(job)
    assert held(house) == before
