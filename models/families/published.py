"""What others published about the networks of the families: parameters, multiply-accumulates, ImageNet accuracy.

Figures are quoted as they were printed, each with its source; nothing here was measured by us. `Published.problem` says
whether the architecture has these counts within 0.5 %, or within what the printed digits leave open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import prod
from types import MappingProxyType
from typing import NamedTuple

from models.architecture import Architecture
from models.families.mobilenet_edgetpu_v2 import FAMILY as EDGETPU_V2
from models.families.mobilenet_edgetpu_v2 import zeros_of_groups

_ALLOWED = 0.005
_UNITS = {"": 1, "M": 10**6, "G": 10**9}


class Count(NamedTuple):
    """A number as it was printed."""

    value: int
    step: int
    """One in the last digit that was printed."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is said of one network elsewhere. Accuracies are ImageNet top-1 in percent; None where none is known."""

    name: str
    parameters: Count | None
    """Trainable ones, batch norm included."""
    macs: Count | None
    source: str
    """Of the two counts."""
    top1: float | None = None
    top1_int8: float | None = None
    top1_source: str = ""
    classes: int = 1000
    """That the counted network has."""
    extra_per_value: int = 0
    """Operations besides multiply-accumulates, for each value that batch norm puts out, with which all figures of the
    source come out; what it counts is not said there, but scaling, shifting and activating a value are such."""
    cut: bool = False
    """Whether the source cuts digits off where others round."""
    note: str = ""
    """Where the network here differs from the published one, and why."""

    def counts(self, architecture: Architecture) -> tuple[int, int]:
        """Return the parameters and multiply-accumulates of our network, counted as the source counts."""
        normalized = sum(prod(layer.shape) for layer in architecture.layers(self.classes) if layer.norm)
        weights, macs = zeros_of_groups(self.name) if self.name in EDGETPU_V2.published else (0, 0)
        extra = self.extra_per_value * normalized
        return architecture.parameters(self.classes) - weights, architecture.macs(self.classes) + extra - macs

    def problem(self, architecture: Architecture) -> str | None:
        """Return which count of our network is not the published one, or None."""
        parameters, macs = self.counts(architecture)
        for word, ours, theirs in (("parameters", parameters, self.parameters), ("macs", macs, self.macs)):
            if theirs is not None and not self._agree(ours, theirs):
                return f"{self.name} has {ours:,} {word}, published are {theirs.value:,}"
        return None

    def _agree(self, ours: int, theirs: Count) -> bool:
        rounding = (0 <= ours - theirs.value < theirs.step) if self.cut else 2 * abs(ours - theirs.value) <= theirs.step
        return rounding or abs(ours - theirs.value) <= _ALLOWED * theirs.value


def _count(printed: str) -> Count | None:
    """Return a count out of text such as "5.4 M"; None if nothing was printed."""
    if not printed:
        return None
    digits, _, unit = printed.partition(" ")
    exact = Decimal(digits)
    step = Decimal(1).scaleb(int(exact.as_tuple().exponent))
    return Count(int(exact * _UNITS[unit]), int(step * _UNITS[unit]))


_EFFICIENTNET_EDGETPU = "tensorflow/tpu, models/official/efficientnet/edgetpu, README"
_EFFICIENTNET_LITE = "tensorflow/tpu, models/official/efficientnet/lite, README"
_MOBILENET = "tensorflow/models, research/slim/nets/mobilenet, README"
_MOBILENET_V1 = "tensorflow/models, research/slim/nets/mobilenet_v1.md"
_EDGETPU_VISION = "tensorflow/models, official/projects/edgetpu/vision, README"
_SLIM = "tensorflow/models, research/slim, README"
_KERAS = "keras.applications 3.15, counted layer by layer"
_TIMM = "timm 1.0, results/benchmark-infer-amp-nhwc-pt240-cu124-rtx4090.csv"
_TORCHVISION = "torchvision, metadata of the weights"
_OPEN_MODEL_ZOO = "Open Model Zoo, models/public/index.md (GFLOPs halved)"
_MEASURED_INT8 = "int8: measured by alejandrods with Coral's file on a Dev Board"
_NO_GROUPS = "Grouped convolutions are full ones here, because the compiler takes no grouped ones."
_SEPARABLE_STEM = "The stem is the plain 7×7 convolution; Google's checkpoint has a separable one."


def _rows() -> Iterable[Published]:
    for name, parameters, macs, top1, top1_int8 in (
        ("s", "5.4 M", "1.8 G", 77.23, 77.0),
        ("m", "6.9 M", "3.0 G", 78.69, 78.6),
        ("l", "10.6 M", "8.0 G", 80.62, 80.2),
    ):
        yield Published(
            f"efficientnet-edgetpu-{name}",
            *(_count(parameters), _count(macs), _EFFICIENTNET_EDGETPU, top1, top1_int8, _EFFICIENTNET_EDGETPU),
            extra_per_value=2,
        )
    for number, parameters, macs, top1, top1_int8 in (
        (0, "4.7 M", "407 M", 75.1, 74.4),
        (1, "5.4 M", "631 M", 76.7, 75.9),
        (2, "6.1 M", "899 M", 77.6, 77.0),
        (3, "8.2 M", "1.44 G", 79.8, 79.0),
        (4, "13.0 M", "2.64 G", 81.5, 80.2),
    ):
        yield Published(
            f"efficientnet-lite{number}",
            *(_count(parameters), _count(macs), _EFFICIENTNET_LITE, top1, top1_int8, _EFFICIENTNET_LITE),
            extra_per_value=3,
        )
    yield from _mobilenets()
    yield from _edgetpu_mobilenets()
    yield from _larger()


def _mobilenets() -> Iterable[Published]:
    for width, parameters, macs, top1, top1_int8 in (
        (0.25, "470072", "41030272", 49.8, 48.2),
        (0.5, "1331592", "149497088", 63.3, 62.2),
        (0.75, "2585560", "325400448", 68.4, 67.9),
        (1, "4231976", "568740352", 70.9, 69.7),
    ):
        yield Published(
            f"mobilenet-v1-{width}", _count(parameters), _count(macs), _KERAS, top1, top1_int8, _MOBILENET_V1
        )
    for width, parameters, macs, top1 in (
        (0.35, "1677128", "59285808", 60.3),
        (0.5, "1968680", "97131840", 65.4),
        (0.75, "2636424", "209069792", 69.8),
        (1, "3504872", "300774272", 71.8),
        (1.3, "5386792", "509374560", 74.4),
        (1.4, "6108776", "582195824", 75.0),
    ):
        yield Published(f"mobilenet-v2-{width}", _count(parameters), _count(macs), _KERAS, top1, None, _MOBILENET)
    large, small = "mobilenet-v3-large-minimalistic", "mobilenet-v3-small-minimalistic"
    yield Published(large, _count("3924288"), _count("209136704"), _KERAS, 72.3, 71.3, _MOBILENET)
    yield Published(
        small,
        *(_count("2044736"), _count("52288448"), _KERAS, 61.9, None, _MOBILENET),
        note="slim's README prints 65 M multiply-accumulates, which its own network does not have.",
    )


def _edgetpu_mobilenets() -> Iterable[Published]:
    yield Published(
        "mobilenet-edgetpu-0.75",
        *(_count("2.9 M"), _count("624 M"), _MOBILENET, None, 73.5, _MOBILENET),
        cut=True,
    )
    yield Published(
        "mobilenet-edgetpu-1",
        *(_count("4092713"), _count("990 M"), f"{_MOBILENET}; parameters: mobilenet_edgetpu_v1_model_test.py"),
        *(None, 75.6, _MOBILENET),
        classes=1001,
    )
    for width, top1_int8 in ((1.25, 77.06), (1.5, 75.9), (1.75, 78.6)):
        yield Published(f"mobilenet-edgetpu-{width}", None, None, "", None, top1_int8, _EDGETPU_VISION)
    for size, parameters, macs, top1_int8 in (
        ("tiny", "", "", 74.66),
        ("xs", "4.46 M", "0.7 G", 75.79),
        ("s", "5.99 M", "1.21 G", 77.36),
        ("m", "8.46 M", "1.85 G", 78.43),
        ("l", "10.92 M", "2.55 G", 79.0),
    ):
        yield Published(
            f"mobilenet-edgetpu-v2-{size}",
            *(_count(parameters), _count(macs), _TIMM if macs else "", None, top1_int8, _EDGETPU_VISION),
            extra_per_value=2,
            note=_NO_GROUPS,
        )


def _larger() -> Iterable[Published]:
    yield Published(
        "inception-v1",
        *(_count("6624904"), _count("1.498 G"), _TORCHVISION, 69.8, 70.25, f"{_SLIM}; {_MEASURED_INT8}"),
    )
    yield Published(
        "inception-v2",
        *(_count("11.185 M"), _count("2.029 G"), _OPEN_MODEL_ZOO, 73.9, None, _SLIM),
        extra_per_value=2,
        note=_SEPARABLE_STEM,
    )
    yield Published("inception-v3", _count("23817352"), _count("5713216096"), _KERAS, 78.0, None, _SLIM)
    yield Published(
        "inception-v4",
        *(_count("42.648 M"), _count("12.292 G"), _OPEN_MODEL_ZOO, 80.2, 80.15, f"{_SLIM}; {_MEASURED_INT8}"),
        extra_per_value=2,
    )
    yield Published("resnet-50", _count("25583592"), _count("3857973248"), _KERAS, 75.2, None, _SLIM)
    for version, parameters, macs, top1 in (
        ("1.0", "1248424", "0.819 G", 58.092),
        ("1.1", "1235496", "0.349 G", 58.178),
    ):
        yield Published(
            f"squeezenet-{version}", _count(parameters), _count(macs), _TORCHVISION, top1, None, _TORCHVISION
        )


PUBLISHED: Mapping[str, Published] = MappingProxyType({row.name: row for row in _rows()})
"""By the names of `Family.published`."""
