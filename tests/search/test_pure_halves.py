from __future__ import annotations

import subprocess
import sys

HEAVY = ("tensorflow", "keras", "keras_tuner", "sklearn", "scipy", "ai_edge_litert")
PROGRAM = f"""
import sys
from search.spec import SearchSpec
from search.feasible import check_spec
from search.space import fastest
import search.errors, search.progress, search.scores, search.trial, search.front, search.spaces, models.families
spec = SearchSpec(classes=10, image_px=32, latency_limit_ms=2.0, device="devboard")
check_spec(spec), fastest(spec), search.spaces.spaces_of(spec).openings()
print(sorted(name for name in sys.modules if name.split(".")[0] in {HEAVY!r}))
"""


def test_the_site_can_check_an_order_without_tensorflow() -> None:
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
