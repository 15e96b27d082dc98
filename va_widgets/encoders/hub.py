"""Use the Hugging Face hub's cache where the hub cannot be reached."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_SECONDS = 5.0  # for an answer of any kind
_log = logging.getLogger(__name__)


@contextmanager
def cache_if_unreachable() -> Iterator[None]:
    """Have the hub's client turn to its cache at once, while the context lasts, where the hub cannot be reached.

    By itself, huggingface_hub >= 1.0 repeats a request five times, with 23 s of pauses, before it looks there.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or _is_reachable():
        yield
        return
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = False


def _is_reachable() -> bool:
    from huggingface_hub import constants, get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=_SECONDS)
    except Exception as error:  # the client is of requests, httpx or another library, each with errors of its own
        _log.info("The hub does not answer: %s", error)
        return False
    return True
