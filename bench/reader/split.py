"""Which articles the reader's calibration is fitted on; on all others it is evaluated."""

from __future__ import annotations

import hashlib


def is_for_fitting(title: str) -> bool:
    """Say whether an article's questions are fitted on."""
    return hashlib.sha256(title.encode()).digest()[0] % 3 == 0
