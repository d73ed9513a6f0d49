"""How fast memory and time of an architecture are told, and how long `atoll inspect` takes.

Run: python benchmarks/edgetpu_speed.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from edgetpu_measurements import FOLDER, require_data
from edgetpu_networks import nb201

from edgetpu.graph import Graph
from edgetpu.latency import DEVICES, estimate
from edgetpu.memory import memory_map
from edgetpu.sketch import Sketch

CANDIDATES = 2_000
COMMAND = [sys.executable, "-c", "import sys; from command import main; sys.exit(main())", "inspect", "--json"]


def main() -> None:
    """Print every figure."""
    networks = [network(number) for number in range(CANDIDATES)]
    begin = time.perf_counter()
    for graph in networks:
        memory_map(graph)
        estimate(graph, DEVICES["devboard"])
    each = (time.perf_counter() - begin) / CANDIDATES
    layers = len(networks[0].ops)
    print(f"memory and time of {CANDIDATES:,} different networks of {layers} layers: {1000 * each:.3f} ms each")
    print(f"100,000 candidates: {100_000 * each:.0f} s on one core")
    cell = nb201("|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|")
    begin = time.perf_counter()
    memory_map(cell)
    estimate(cell, DEVICES["devboard"])
    print(f"a NAS-Bench-201 network of {len(cell.ops)} operations: {1000 * (time.perf_counter() - begin):.3f} ms")
    require_data()
    model = FOLDER.parent / "compiled/source/mobilenet_v2_1.0_224_quant.tflite"
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([*COMMAND, str(model)], check=True, capture_output=True, cwd=Path(__file__).parents[1])
        times.append(time.perf_counter() - begin)
    megabytes, middle = model.stat().st_size / 1e6, sorted(times)[2]
    print(f"atoll inspect of {megabytes:.1f} MB, start-up included: {middle:.2f} s (median of 5)")


def network(number: int) -> Graph:
    """Draw a network of 40 layers that is unlike the others."""
    sketch = Sketch((96, 96, 3))
    x = sketch.conv(sketch.inputs[0], 16, 3, 2)
    for layer in range(19):
        x = sketch.depthwise(x, 3, 2 if layer in (3, 8, 13) else 1)
        x = sketch.conv(x, 16 + 8 * layer + (number >> layer % 11) % 8)
    return sketch.graph(sketch.global_pool(x))


if __name__ == "__main__":
    main()
