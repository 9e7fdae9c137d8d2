"""From an asset and a plan to the variant that is wanted: its format, its size, its identity. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from mezzotint.grammar.parser import variant_identity
from mezzotint.imaging.geometry import Layout, Size, fits_mezzanine, fits_pixels, is_heavy, lay_out
from mezzotint.imaging.jobs import ENGINE
from mezzotint.model.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Collection

    from mezzotint.grammar import Grammar, Plan
    from mezzotint.grammar.accept import AcceptClass
    from mezzotint.model.asset import Asset, Content
    from mezzotint.model.policy import Policy
    from mezzotint.plugin_api import Encoder

LAYOUTS = 4096
"""Layouts remembered: the same few plans are asked of pictures of the same few sizes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A variant asked for: the asset at one version, the resolved plan and the identity these make.

    `from_mezzanine`: it comes out of the original's mezzanine as well; `from_pixels`: out of its decoded pixels.
    `heavy`: it is much work besides decoding. `background`: nobody waits for it.
    """

    asset: Asset
    identity: str
    operations: str
    format: str
    recipe: str
    policy: Policy
    from_mezzanine: bool = False
    from_pixels: bool = False
    heavy: bool = False
    background: bool = False


class Wants:
    """Knows the formats; `lossy` are those of originals that may have a mezzanine."""

    def __init__(self, grammar: Grammar, encoders: Mapping[str, type[Encoder]], lossy: Collection[str]) -> None:
        self._grammar = grammar
        self._encoders = encoders
        self._lossy = frozenset(lossy)
        self._layout = lru_cache(LAYOUTS)(self._lay_out)

    def format(self, plan: Plan, asset: Asset, accept: AcceptClass) -> str:
        """What `fmt_auto` comes to for a client whose Accept is of this class: the best that can hold the picture."""
        if accept == "base":
            return plan.ext
        animated = asset.version.content is not None and asset.version.content.frames > 1
        return accept if self._encoders[accept].animation or not animated else "webp"

    def wanted(self, asset: Asset, plan: Plan, policy: Policy, *, background: bool = False) -> Wanted:
        """The variant of a resolved plan. Raises OutputTooLarge, and NotFound when the version is not ready."""
        content, format = content_of(asset), self._grammar.format(plan)
        frames = content.frames if self._encoders[format].animation else 1
        upright = Size(content.width, content.height)
        layout = self._layout(plan, upright)
        layout.check(max_pixels=policy.max_output_pixels or 0, frames=frames)
        identity = variant_identity(plan, asset_sha256=content.content_hash, format=format, recipe=ENGINE)
        return Wanted(
            asset,
            identity,
            plan.canonical,
            format,
            ENGINE,
            policy,
            from_mezzanine=self.has_mezzanine(content) and fits_mezzanine(layout, upright),
            from_pixels=content.frames == 1 and fits_pixels(layout, upright),
            heavy=is_heavy(layout, frames),
            background=background,
        )

    def _lay_out(self, plan: Plan, upright: Size) -> Layout:
        return lay_out(self._grammar.operations(plan), upright)

    def each_format(self, asset: Asset, plan: Plan) -> Iterator[Plan]:
        """An expanded plan, once for each format in which browsers may ask for it."""
        if not self._grammar.is_auto(plan):
            yield self._grammar.resolve(plan, self._grammar.format(plan))
            return
        classes: tuple[AcceptClass, ...] = ("avif", "webp", "base")
        for format in dict.fromkeys(self.format(plan, asset, accept) for accept in classes):
            yield self._grammar.resolve(plan, format)

    def has_mezzanine(self, content: Content) -> bool:
        """Whether originals like this one get a mezzanine, when they are large: lossy, opaque, still."""
        return content.format in self._lossy and content.frames == 1 and not content.has_alpha


def content_of(asset: Asset) -> Content:
    """What the bytes of a ready version are. Raises NotFound: only those are served."""
    if asset.version.content is None:
        raise NotFound
    return asset.version.content
