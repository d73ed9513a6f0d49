"""Profiles of the hosts and links that an Edge TPU is measured on, and what the chip itself takes for its work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Link = Literal["pcie", "usb3", "usb2"]
Clock = Literal["max", "std"]


@dataclass(frozen=True, slots=True)
class ChipRates:
    """Time that the chip takes for its work, whatever it is attached to; at the maximum clock.

    Source: fitted to public measurements, see benchmarks/edgetpu_latency.py.
    """

    cycle_ns: float = 1.03
    """Per tile cycle of a convolution or dense layer, 1,024 multiply-accumulates each."""
    tap_ns: float = 0.0477
    """Depthwise and pooling: per output byte and kernel position."""
    pool_us: float = 13.6
    """Per pooling operation."""
    elementwise_us: float = 5.4
    """Per ADD, MUL, PAD, RESIZE, SOFTMAX."""
    elementwise_ns: float = 0.09
    """The same operations, per byte in and out."""
    parameter_ns: float = 0.0211
    """Convolution, dense, depthwise: per byte of parameters."""
    crowding_per_mib: float = 2.0
    """How much slower parameters stream per MiB of activations beyond `crowding_from_mib`; rests on one source."""
    crowding_from_mib: float = 3.0
    instruction_bytes: float = 24_400.0
    """Instructions of any network; sent anew at every inference."""
    layer_instruction_bytes: float = 1_635.0
    """More of them per convolution or dense layer."""
    activation_instruction_bytes: float = 5_500.0
    """More of them per MiB of activations."""


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """An Edge TPU in a host: what its link and its processor add to the chip's own time."""

    key: str
    title: str
    link: Link
    floor_ms: float
    """Time of an inference that does nothing."""
    to_chip_ns: float
    """Per byte sent to the chip: input, instructions, streamed parameters."""
    from_chip_ns: float
    """Per byte of output."""
    spread: float
    """Standard deviation of the logarithm of measured over estimated, on networks not used in the fit."""
    cpu_macs_per_us: float = 2_000.0
    """int8 multiply-accumulates per microsecond of the host's processor, for what is not mapped."""
    clock: Clock = "max"
    clock_factor: float = 1.0
    """How much longer the chip's own work takes than at the maximum clock."""
    chip: ChipRates = field(default_factory=ChipRates)
    measurements: int = 0
    """How many measurements the profile rests on."""
    origin: str = "fitted to public measurements"


def _profiles(*profiles: DeviceProfile) -> Mapping[str, DeviceProfile]:
    return MappingProxyType({profile.key: profile for profile in profiles})


DEVICES: Mapping[str, DeviceProfile] = _profiles(
    DeviceProfile("devboard", "Coral Dev Board (PCIe)", "pcie", 0.33, 2.54, 7.1, 0.10, 800.0, measurements=26),
    DeviceProfile("m2", "Coral M.2 or PCIe card in a PC", "pcie", 0.09, 2.70, 7.2, 0.12, 20_000.0, measurements=135),
    DeviceProfile("usb3", "Coral USB Accelerator, USB 3, PC", "usb3", 0.39, 2.06, 8.7, 0.12, 20_000.0, measurements=45),
    DeviceProfile("usb2", "Coral USB Accelerator, USB 2", "usb2", 0.25, 26.6, 86.0, 0.15, 2_000.0, measurements=27),
    DeviceProfile("mac", "Coral USB Accelerator, USB 3, Mac", "usb3", 0.73, 2.04, 7.1, 0.12, 20_000.0, measurements=4),
    DeviceProfile("jetson", "Jetson Nano, USB 3", "usb3", 0.28, 2.46, 32.0, 0.12, 2_000.0, measurements=27),
    DeviceProfile("rpi4", "Raspberry Pi 4, USB 3", "usb3", 2.0, 3.55, 10.0, 0.2, 2_000.0, measurements=4),
    DeviceProfile("rpi3", "Raspberry Pi 3, USB 2", "usb2", 1.5, 29.1, 74.0, 0.2, 800.0, measurements=6),
)
"""Known devices by key."""
