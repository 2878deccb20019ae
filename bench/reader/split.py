"""Which articles and claims the reader's calibration is fitted on."""

from __future__ import annotations

import hashlib
import zlib


def is_for_fitting(title: str) -> bool:
    """Say whether an article's questions are fitted on; the reader is evaluated on the others."""
    return hashlib.sha256(title.encode()).digest()[0] % 3 == 0


def is_claim_for_fitting(title: str) -> bool:
    """Say whether the claims about a text are fitted on; the model is trained on the others."""
    return zlib.crc32(title.encode()) % 8 == 0
