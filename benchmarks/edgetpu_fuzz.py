"""Damage real files for some minutes: what is read, what is refused, how long and how much memory it takes.

Run: python benchmarks/edgetpu_fuzz.py [MINUTES]
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from edgetpu_measurements import FOLDER, require_data  # noqa: E402 - the repository's root must be on the path first

from edgetpu.errors import BadModel  # noqa: E402
from tests.edgetpu.mutations import look_at, mutated  # noqa: E402

LARGEST_BYTES = 2_000_000


def main() -> None:
    """Damage files until the time is up, and print what came of it."""
    require_data()
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    paths = [p for p in sorted(FOLDER.parent.glob("compiled/**/*.tflite")) if p.stat().st_size <= LARGEST_BYTES]
    contents = [path.read_bytes() for path in paths]
    outcomes: Counter[str] = Counter()
    slowest, seed, end = 0.0, 0, time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        content = mutated(contents[seed % len(contents)], seed)
        begin = time.monotonic()
        outcomes[outcome(content)] += 1
        slowest = max(slowest, time.monotonic() - begin)
        seed += 1
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seed:,} damaged copies of {len(paths)} files in {minutes:g} minutes: {dict(outcomes)}")
    print(f"slowest {slowest:.2f} s, largest memory {peak_mib:.0f} MiB")


def outcome(content: bytes) -> str:
    """Return what became of one file; anything but BadModel ends the benchmark with its traceback."""
    try:
        look_at(content, must_be_whole=True)
    except BadModel:
        return "refused"
    return "read"


if __name__ == "__main__":
    main()
