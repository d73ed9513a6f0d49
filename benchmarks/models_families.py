"""Every published network: our counts beside the published ones, memory on the chip, estimated latency beside Coral's.

python benchmarks/models_families.py              the tables; a few seconds, no TensorFlow
python benchmarks/models_families.py --keras      compare with keras.applications, where it has the network
python benchmarks/models_families.py --convert N  build and convert the network N whole, and compare the file
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgetpu.latency import DEVICES, LatencyEstimate, estimate
from edgetpu.memory import MIB, memory_map
from edgetpu.rules import map_ops
from models.architecture import Architecture
from models.families import FAMILIES
from models.families.published import PUBLISHED, Count

CORAL = Path(__file__).resolve().parents[2] / "shared/data/edgetpu/latency/coral_official_benchmarks.csv"
SHOWN = ("devboard", "usb3", "usb2")
NETWORKS = {name: network for family in FAMILIES.values() for name, network in family.published.items()}
CORAL_NAMES = {
    "Inception v1": "inception-v1",
    "Inception v4": "inception-v4",
    "MobileNet v1": "mobilenet-v1-1",
    "MobileNet v2": "mobilenet-v2-1",
    "SqueezeNet": "squeezenet-1.0",
    "EfficientNet-EdgeTpu-S": "efficientnet-edgetpu-s",
    "EfficientNet-EdgeTpu-M": "efficientnet-edgetpu-m",
    "ResNet-50 V1": "resnet-50 at 299 px",
}
"""Coral's other networks are not among ours."""
MEASURED_OTHERWISE = {"resnet-50 at 299 px": replace(NETWORKS["resnet-50"], image_px=299)}
"""Published networks at the resolution that Coral measured them at."""


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keras", action="store_true")
    parser.add_argument("--convert", metavar="N", choices=NETWORKS)
    asked = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if asked.keras:
        print_keras()
    elif asked.convert:
        convert(asked.convert)
    else:
        print_counts()
        print_latencies()


def print_counts() -> None:
    """Print parameters and multiply-accumulates as the source of the published figures counts them."""
    print("| network | parameters | published | deviation | MACs | published | deviation | problem |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for name, row in PUBLISHED.items():
        parameters, macs = row.counts(NETWORKS[name])
        theirs = f"{_beside(parameters, row.parameters)} | {macs:,} | {_beside(macs, row.macs)}"
        print(f"| {name} | {parameters:,} | {theirs} | {row.problem(NETWORKS[name]) or '–'} |")


def _beside(ours: int, theirs: Count | None) -> str:
    return f"{theirs.value:,} | {100 * (ours / theirs.value - 1):+.2f} %" if theirs else "not known | "


def print_latencies() -> None:
    """Print what each network takes on the chip, by estimate."""
    coral = dict(_coral())
    titles = " | ".join(f"{DEVICES[device].title} ms" for device in SHOWN)
    print(f"\n| network | px | operations mapped | cached MiB | streamed MiB | {titles} | Coral: Dev Board; USB 3 ms |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, network in (NETWORKS | MEASURED_OTHERWISE).items():
        graph = network.graph(1000)
        memory = memory_map(graph)
        mapped = sum(verdict.mapped for verdict in map_ops(graph))
        times = " | ".join(_with_band(estimate(graph, device)) for device in SHOWN)
        size = f"{network.image_px} | {mapped} of {len(graph.ops)}"
        place = f"{memory.cached_bytes / MIB:.2f} | {memory.streamed_bytes / MIB:.2f}"
        print(f"| {name} | {size} | {place} | {times} | {coral.get(name, '')} |")


def _with_band(latency: LatencyEstimate) -> str:
    return f"{latency.ms:.2f} ({latency.low_ms:.2f}–{latency.high_ms:.2f})"


def _coral() -> Iterator[tuple[str, str]]:
    if not CORAL.exists():
        print(f"(Coral's figures are left out: there is no {CORAL}.)")
        return
    with CORAL.open() as file:
        for row in csv.DictReader(file):
            if row["model"] in CORAL_NAMES:
                yield (
                    CORAL_NAMES[row["model"]],
                    f"{row['dev_board_edgetpu_ms']}; {row['desktop_cpu_plus_usb3_accelerator_ms']}",
                )


def print_keras() -> None:
    """Print trainable parameters and multiply-accumulates of keras.applications beside ours."""
    from keras import applications

    known: dict[str, Any] = {
        **{f"mobilenet-v1-{width:g}": (applications.MobileNet, {"alpha": width}) for width in (0.25, 0.5, 0.75, 1.0)},
        **{
            f"mobilenet-v2-{width:g}": (applications.MobileNetV2, {"alpha": width})
            for width in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
        },
        "mobilenet-v3-small-minimalistic": (applications.MobileNetV3Small, _MINIMALISTIC),
        "mobilenet-v3-large-minimalistic": (applications.MobileNetV3Large, _MINIMALISTIC),
        "inception-v3": (applications.InceptionV3, {}),
        "resnet-50": (applications.ResNet50, {}),
    }
    print("| network | parameters | keras.applications | MACs | keras.applications |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, (make, options) in known.items():
        theirs, ours = make(weights=None, **options), NETWORKS[name]
        parameters = sum(prod(weight.shape) for weight in theirs.trainable_weights)
        macs = sum(map(_macs_of, theirs.layers))
        print(f"| {name} | {ours.parameters():,} | {parameters:,} | {ours.macs():,} | {macs:,} |", flush=True)


_MINIMALISTIC = {"minimalistic": True, "include_preprocessing": False, "input_shape": (224, 224, 3)}


def _macs_of(layer: Any) -> int:
    """Return the multiply-accumulates of a Keras layer for one picture."""
    if type(layer).__name__ not in ("Conv2D", "DepthwiseConv2D", "Dense"):
        return 0
    sides = layer.output.shape[1:-1] if type(layer).__name__ != "Dense" else ()
    return prod(sides) * prod(layer.kernel.shape)


def convert(name: str) -> None:
    """Convert one network at its published resolution, and print how the file differs from what was foretold."""
    import numpy as np

    from edgetpu.tflite import read_graph
    from models.network import build_network
    from models.quantize import quantize_to

    network, began = NETWORKS[name], time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        keras_network = build_network(network, 1000, seed=0)
        keras_network.get_layer("logits").bias.assign(np.linspace(-1, 1, 1000))
        keras_network.save(Path(folder) / "checkpoint.keras")
        side = network.image_px
        picture = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
        quantize_to(Path(folder) / "checkpoint.keras", picture, Path(folder) / "model.tflite")
        converted = read_graph(Path(folder) / "model.tflite")
    _print_difference(name, network, converted, time.process_time() - began)


def _print_difference(name: str, network: Architecture, converted: Any, seconds: float) -> None:
    foretold = network.graph(1000)
    same_ops = [(op.kind, op.version) for op in foretold.ops] == [(op.kind, op.version) for op in converted.ops]
    ours, theirs = memory_map(foretold), memory_map(converted)
    same_bytes = [a.parameter_bytes for a in ours.layers] == [b.parameter_bytes for b in theirs.layers]
    same_place = [a.placement for a in ours.layers] == [b.placement for b in theirs.layers]
    same_ms = estimate(foretold, "devboard").ms == estimate(converted, "devboard").ms
    mapped = sum(verdict.mapped for verdict in map_ops(converted))
    print(
        f"{name}: {mapped} of {len(converted.ops)} operations on the chip; as foretold: operations {same_ops}, "
        f"bytes of each layer {same_bytes}, place of each layer {same_place}, latency {same_ms}; "
        f"{seconds:.0f} s of processor time"
    )


if __name__ == "__main__":
    main()
