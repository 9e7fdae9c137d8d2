"""gevent's hub, which one call that blocks would hold up for everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent import Timeout, get_hub, monkey

from mezzotint.services.store_threads import Aside


def aside() -> Aside | None:
    """How to have blocking work done beside the hub; None in a process that has none."""
    return _in_thread if monkey.is_module_patched("socket") else None


def _in_thread(work: Callable[[], Any], seconds: float) -> Any:
    with Timeout(seconds, TimeoutError(f"not done in {seconds:g} s")):
        result, problem = get_hub().threadpool.apply(_outcome, (work,))
    if problem is not None:
        raise problem
    return result


def _outcome(work: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """What it returned or raised; gevent would print what a thread raises, whoever expects it."""
    try:
        return work(), None
    except Exception as problem:  # noqa: BLE001 - it is raised again where it is waited for
        return None, problem
