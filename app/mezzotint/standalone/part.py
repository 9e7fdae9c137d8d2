"""What one part of the installation is: a long-running program and how to start, probe and stop it."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


class PartFailed(Exception):
    """A part can't be started."""


def nothing() -> None:
    """For a part that has no such step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A child of the supervisor. It runs in the foreground, in a session of its own, and logs to standard error.

    A `needed` part is ready before the next one is started; the others come up side by side. `prepare` runs before
    every start, `settle` once, after the first time that `ready` says True; both must be safe to run again. `patience`
    and `grace` are seconds: to get ready, and to stop before it is killed. `where` is shown beside its name.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    where: str
    needed: bool = True
    prepare: Callable[[], None] = nothing
    settle: Callable[[], None] = nothing
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 90.0
    grace: float = 10.0
