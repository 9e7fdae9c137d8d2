"""Plug-ins by name: entry points of the group `mezzotint.plugins` name packages, whose classes become known here."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TypeVar

from mezzotint.grammar import Grammar
from mezzotint.plugin_api import Decoder, Encoder, IsolatedDecoder, Operation, Storage

GROUP = "mezzotint.plugins"
T = TypeVar("T")


class PluginError(Exception):
    """A plug-in that can't be used; start-up stops and says why."""


@dataclass(frozen=True, slots=True)
class Registry:
    """What the enabled plug-ins offer; exactly one class to a name."""

    operations: tuple[type[Operation], ...] = ()
    storages: dict[str, type[Storage]] = field(default_factory=dict)
    decoders: dict[str, type[Decoder]] = field(default_factory=dict)
    isolated: dict[str, type[IsolatedDecoder]] = field(default_factory=dict)
    encoders: dict[str, type[Encoder]] = field(default_factory=dict)

    def storage(self, kind: str) -> type[Storage]:
        """The storage called `kind`. Raises PluginError."""
        return choose(self.storages, kind, "storage")

    def isolated_decoder(self, name: str) -> type[IsolatedDecoder]:
        """The isolated decoder of the format `name`. Raises PluginError."""
        return choose(self.isolated, name, "isolated decoder")

    def isolated_decoders(self, formats: Iterable[str] | None) -> list[IsolatedDecoder]:
        """Those of `formats`; None: those that are let in by default. Raises PluginError."""
        if formats is None:
            return [kind() for kind in self.isolated.values() if kind.by_default]
        return [self.isolated_decoder(name)() for name in formats]

    def grammar(self) -> Grammar:
        """The URL language of these plug-ins. Raises PluginError when two of them clash."""
        try:
            return Grammar(self.operations, list(self.encoders.values()), [*self.decoders, *self.isolated])
        except ValueError as clash:
            raise PluginError(f"the operations don't make one language: {clash}") from clash


def load(enabled: Iterable[str]) -> Registry:
    """The registry of the enabled plug-ins, by the names of their entry points. Raises PluginError."""
    installed = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    packages = [choose(installed, name, "plug-in") for name in enabled]
    return Registry(
        operations=tuple(_classes(packages, "operations", Operation)),
        storages=_named(_classes(packages, "storages", Storage), lambda storage: storage.kind, "storage"),
        decoders=_named(_classes(packages, "decoders", Decoder), lambda decoder: decoder.name, "decoder"),
        isolated=_named(_classes(packages, "decoders", IsolatedDecoder), lambda decoder: decoder.name, "decoder"),
        encoders=_named(_classes(packages, "encoders", Encoder), lambda encoder: encoder.format, "encoder"),
    )


def choose(known: dict[str, T], name: str, what: str) -> T:
    """`known[name]`. Raises PluginError that suggests the nearest name."""
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
    raise PluginError(f"no {what} is called {name!r}; {hint}")


def _classes(packages: Iterable[str], room: str, base: type[T]) -> Iterator[type[T]]:
    for package in packages:
        for module in _modules(package, room):
            for _, found in inspect.getmembers(importlib.import_module(module), inspect.isclass):
                # Only what a module defines itself: an import of another's class is not a second one.
                if issubclass(found, base) and found.__module__ == module and not inspect.isabstract(found):
                    yield found


def _modules(package: str, room: str) -> list[str]:
    try:
        folder = importlib.import_module(f"{package}.{room}")
    except ModuleNotFoundError as missing:
        if missing.name == f"{package}.{room}":
            return []  # a plug-in need not offer every kind
        raise PluginError(f"the plug-in {package!r} can't be imported: {missing}") from missing
    return sorted(f"{folder.__name__}.{module.name}" for module in pkgutil.iter_modules(folder.__path__))


def _named(classes: Iterable[type[T]], name_of: Callable[[type[T]], str], what: str) -> dict[str, type[T]]:
    named: dict[str, type[T]] = {}
    for found in classes:
        name = name_of(found)
        if name in named:
            both = " and ".join(f"{one.__module__}.{one.__name__}" for one in (named[name], found))
            raise PluginError(f"two of the enabled plug-ins offer the {what} {name!r}: {both}")
        named[name] = found
    return named
