"""Time and memory of checking a dataset, beside only opening and decoding every picture with Pillow.

    .venv/bin/python benchmarks/datasets_upload.py

The real datasets lie in ../shared/data/datasets or in $ATOLL_SHARED_DIR; where they are missing only the synthetic
one is checked. Each figure is of a process of its own.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ATOLL_SHARED_DIR", ROOT.parent / "shared"))
SYNTHETIC_PICTURES = 20_000
CLASSES = 20


def main() -> None:
    """Print the table."""
    print("| dataset | pictures | check | processor | peak memory | twins | Pillow only | processor | peak memory |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        archives = [path for path in sorted((SHARED / "data/datasets").glob("*.zip")) if path.is_file()]
        for archive in [*archives, synthetic(Path(folder))]:
            ours, peer = measured("ours", archive), measured("peer", archive)
            print(
                f"| {archive.stem} | {ours['pictures']:,} | {figures(ours)} | {ours['twins']:,} | {figures(peer)} |",
                flush=True,
            )


def figures(of: dict[str, float]) -> str:
    """Return three cells: wall time, processor time, memory."""
    return f"{of['seconds']:.1f} s | {of['cpu']:.1f} s | {of['mib']:.0f} MiB"


def synthetic(folder: Path) -> Path:
    """Pack soft coloured pictures of 96 × 96 px; every twentieth is shown a second time, a little moved."""
    path = folder / "synthetic.zip"
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(SYNTHETIC_PICTURES):
            if number % 20 != 1:
                coarse = Image.fromarray(random.integers(0, 256, (9, 9, 3), np.uint8))
                scene = coarse.resize((100, 100), Image.Resampling.BICUBIC)
            moved = 2 if number % 20 == 1 else 0
            sink = io.BytesIO()
            scene.crop((moved, moved, 96 + moved, 96 + moved)).save(sink, "JPEG", quality=85)
            archive.writestr(f"class {number // 20 % CLASSES}/{number:05}.jpg", sink.getvalue())
    return path


def measured(who: str, archive: Path) -> dict[str, float]:
    """Do the work in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, who, str(archive)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def check(archive: Path) -> dict[str, float]:
    """Check as a worker does."""
    sys.path.insert(0, str(ROOT))
    from marketplace.datasets.checking import check_archive

    with tempfile.TemporaryDirectory() as out_dir:
        checked = check_archive(archive, Path(out_dir), lambda told: None, max_pictures=100_000)
    return {"pictures": checked["statistics"]["pictures"], "twins": checked["statistics"]["twin_pictures"]}


def only_decode(archive: Path) -> dict[str, float]:
    """Decode every picture, and nothing else."""
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if not name.endswith("/")]
        for name in names:
            Image.open(io.BytesIO(opened.read(name))).load()
    return {"pictures": len(names)}


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        begun = time.perf_counter()
        result = {"ours": check, "peer": only_decode}[sys.argv[1]](Path(sys.argv[2]))
        result["seconds"] = time.perf_counter() - begun
        result["cpu"] = time.process_time()
        result["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result))
