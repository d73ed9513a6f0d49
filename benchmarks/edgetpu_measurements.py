"""Public measurements of Edge TPU latency, each with the network it is about; read from ../shared."""

from __future__ import annotations

import csv
import gzip
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import edgetpu_networks as networks

from edgetpu.graph import Graph
from edgetpu.memory import DEFAULT_CAPACITY_BYTES, MIB, memory_map
from edgetpu.sketch import Sketch
from edgetpu.terms import Terms, terms_of

FOLDER = (
    Path(os.environ.get("ATOLL_SHARED_DIR", Path(__file__).resolve().parents[2] / "shared")) / "data/edgetpu/latency"
)

_DRAW: Mapping[str, Callable[[], Graph]] = {
    "mobilenet_v1_1.0_224": networks.mobilenet_v1,
    "mobilenet_v2_1.0_224": networks.mobilenet_v2,
    "inception_v1_224": networks.inception_v1,
    "inception_v4_299": networks.inception_v4,
    "resnet50": lambda: networks.resnet([3, 4, 6, 3], 299),
    "resnet152": lambda: networks.resnet([3, 8, 36, 3], 299, preactivated=True),
    "squeezenet": networks.squeezenet,
    "vgg16": networks.vgg16,
    "efficientnet-edgetpu-S": lambda: networks.efficientnet_edgetpu(224, 1.0, 1.0),
    "efficientnet-edgetpu-M": lambda: networks.efficientnet_edgetpu(240, 1.0, 1.1),
    "efficientnet-edgetpu-L": lambda: networks.efficientnet_edgetpu(300, 1.2, 1.4),
}
_OFFICIAL = {
    "Inception v1": "inception_v1_224",
    "Inception v4": "inception_v4_299",
    "MobileNet v1": "mobilenet_v1_1.0_224",
    "MobileNet v2": "mobilenet_v2_1.0_224",
    "ResNet-50 V1": "resnet50",
    "ResNet-152 V2": "resnet152",
    "SqueezeNet": "squeezenet",
    "VGG16": "vgg16",
    "EfficientNet-EdgeTpu-S": "efficientnet-edgetpu-S",
    "EfficientNet-EdgeTpu-M": "efficientnet-edgetpu-M",
}
_HOSTS = (("Dev Board", "devboard"), ("Mac", "mac"), ("Pi 4", "rpi4"), ("Pi 3", "rpi3"), ("x86", "usb3"))


@dataclass(frozen=True)
class Row:
    """One published measurement."""

    source: str
    network: str
    host: str
    ms: float
    terms: Terms


def require_data() -> None:
    """End the script where the measurements are not on this machine."""
    if not FOLDER.is_dir():
        print(f"skipped: {FOLDER} is missing (set ATOLL_SHARED_DIR)")
        sys.exit(0)


def whole_models() -> tuple[Row, ...]:
    """Return all rows about whole published networks; detection, recurrent and unknown ones are left out."""
    rows = []
    for line in _lines("coral_official_benchmarks.csv"):
        if line["model"] in _OFFICIAL:
            for host, column in (
                ("usb3", "desktop_cpu_plus_usb3_accelerator_ms"),
                ("devboard", "dev_board_edgetpu_ms"),
            ):
                rows.append(_whole("coral.ai", _OFFICIAL[line["model"]], host, float(line[column])))
    for line in _lines("whole_models_misc.csv"):
        network = line["model"].removesuffix("_quant")
        if network in _DRAW:
            rows.append(_whole(line["source"].partition("/")[0], network, _host(line), float(line["latency_ms"])))
    return tuple(rows)


def conv_ladder() -> tuple[Row, ...]:
    """Return the micro-benchmark of five equal 3×3 convolutions."""
    return tuple(
        _row(
            "conv ladder",
            f"conv {line['filters']}",
            "m2",
            line["latency_ms"],
            networks.conv_ladder(int(line["filters"])),
        )
        for line in _lines("microbench_conv5x3x3_64x64.csv")
    )


def dense_ladder() -> tuple[Row, ...]:
    """Return the micro-benchmark of dense layers."""
    return tuple(
        _row(
            "dense ladder",
            f"dense {line['hidden_neurons']}",
            "m2",
            line["latency_ms"],
            networks.dense_ladder(int(line["hidden_neurons"])),
        )
        for line in _lines("microbench_fc4_in64_out10.csv")
    )


def jetson_ladders() -> tuple[Row, ...]:
    """Return iwatake2222's micro-benchmarks on a Jetson Nano, USB 3 and USB 2; compiler 1.0 kept fewer."""
    rows = []
    for line in _lines("iwatake_microbench.csv"):
        kind, unit, layers = line["kind"], int(line["internal_or_unit_size"].partition("x")[0]), int(line["layers"])
        graph = _convs(layers) if kind.startswith("conv") else _denses(layers, unit)
        streamed_mib = float(line["offchip_mib"] or 0)
        whole = memory_map(graph, 2**40, compiler_version=15).parameter_bytes
        kept = whole - streamed_mib * MIB if streamed_mib else DEFAULT_CAPACITY_BYTES
        for host, column in (("jetson", "edgetpu_usb3_10w_ms"), ("usb2", "edgetpu_usb2_10w_ms")):
            if line[column]:
                rows.append(_row("iwatake2222", f"{kind} {unit} {layers}", host, line[column], graph, int(kept)))
    return tuple(sorted(rows, key=lambda row: row.host))


@dataclass(frozen=True)
class Cell:
    """One NAS-Bench-201 cell, measured by two laboratories; 0 where it did not compile."""

    terms: Terms
    first_ms: float
    second_ms: float


@cache
def cells() -> tuple[Cell, ...]:
    """Return the NAS-Bench-201 cells."""
    with gzip.open(FOLDER / "nb201_edgetpu_1000.csv.gz", "rt", newline="") as file:
        return tuple(
            Cell(
                _terms(networks.nb201(line["arch_str"])),
                float(line["edgetpu_hwnasbench_ms"] or 0),
                float(line["edgetpu_eagle_ms"] or 0),
            )
            for line in csv.DictReader(file)
        )


def _convs(layers: int) -> Graph:
    """Draw 7×7 convolutions of 32 channels between a tiny input that is padded and a tiny output."""
    s = Sketch((2, 2, 3), per_channel=False)
    x = s.like(s.inputs[0], "PAD", (128, 128, 3))
    for _ in range(layers):
        x = s.conv(x, 32, 7)
    return s.graph(s.conv(x, 3, 1, 128))


def _denses(layers: int, units: int) -> Graph:
    s = Sketch((2, 2, 3), per_channel=False)
    x = s.inputs[0]
    for _ in range(layers):
        x = s.dense(x, units)
    return s.graph(s.dense(x, 3))


def _lines(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(newline="") as file:
        yield from csv.DictReader(file)


def _host(line: Mapping[str, str]) -> str:
    if "Jetson" in line["host"]:
        return "jetson" if line["link"] == "USB3" else "usb2"
    return next(key for part, key in _HOSTS if part in line["host"])


@cache
def _drawn(network: str) -> Terms:
    return _terms(_DRAW[network]())


def _terms(graph: Graph, capacity_bytes: int = DEFAULT_CAPACITY_BYTES) -> Terms:
    return terms_of(graph, memory_map(graph, capacity_bytes, compiler_version=15))


def _whole(source: str, network: str, host: str, ms: float) -> Row:
    return Row(source, network, host, ms, _drawn(network))


def _row(
    source: str, network: str, host: str, ms: str, graph: Graph, capacity_bytes: int = DEFAULT_CAPACITY_BYTES
) -> Row:
    return Row(source, network, host, float(ms), _terms(graph, capacity_bytes))
