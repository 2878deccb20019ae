"""Errors → what a client reads: what is wrong and what to do. What is not meant for it is logged by its type alone."""

from __future__ import annotations

import logging
from collections.abc import Callable

from index.errors import CitableError, IndexDamaged, IndexIncompatible, IndexLocked, IndexMissing, IndexUnavailable
from qa.errors import BadQuestion, LLMError, NotAllowed, NotFound

Tell = Callable[[Exception], str]

_LOG = logging.getLogger("qa.mcp")
# What those read who are not on this machine: no folder of it.
_FAULTS: tuple[tuple[type[CitableError], str], ...] = (
    (IndexMissing, "nothing is indexed here yet; on the server, run: qa index PATH"),
    (IndexIncompatible, "the index does not fit this server's settings; on the server, run: qa search x"),
    (IndexDamaged, "the index cannot be read; on the server, run: qa doctor"),
    (IndexUnavailable, "the index cannot be used at the moment; try again in a moment"),
    (IndexLocked, "the index is being written; try again in a moment"),
    (CitableError, "the server is not set up to answer; its log says why"),
)


def tell_all(error: Exception) -> str:
    """Return what the person at this machine reads."""
    return str(error) if isinstance(error, CitableError) else _unexpected(error)


def tell_outside(error: Exception) -> str:
    """Return what those read who reach this server over the network."""
    if isinstance(error, BadQuestion | NotAllowed | NotFound | LLMError):
        return str(error)
    for kind, said in _FAULTS:
        if isinstance(error, kind):
            _LOG.error("%s", error)
            return said
    return _unexpected(error)


def _unexpected(error: Exception) -> str:
    # the type alone: a message could hold words of a question or a document
    _LOG.error("unexpected %s", type(error).__name__)
    return f"something went wrong here ({type(error).__name__}); see what the server wrote to stderr"
