"""Searches that tests order."""

from __future__ import annotations

from models.backbones import BACKBONES
from search.spec import SearchSpec

TUNED = SearchSpec(
    classes=5,
    image_px=128,
    latency_limit_ms=4.0,
    device="devboard",
    training_pictures=2400,
    families=("mobilenet_v2",),
    backbone=next(iter(BACKBONES)),
)
"""Begins with published weights: small networks learn from the whole one."""
