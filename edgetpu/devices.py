"""Profiles of the hosts and links that an Edge TPU is measured on, and what the chip itself takes for its work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

Link = Literal["pcie", "usb3", "usb2"]
Clock = Literal["max", "std"]


@dataclass(frozen=True, slots=True)
class ChipRates:
    """Time that the chip takes for its work, whatever it is attached to; at the maximum clock.

    Source: rates fitted to public measurements without NAS-Bench-201 (benchmarks/edgetpu_latency.py, which also states
    the errors); bytes of instructions from compiled files.
    """

    cycle_ns: float = 0.956
    """Per tile cycle of a convolution or dense layer, 1,024 multiply-accumulates each."""
    tap_ns: float = 0.0559
    """Depthwise and pooling: per output byte and kernel position."""
    pool_us: float = 14.3
    """Per pooling."""
    pass_us: float = 5.6
    """Per ADD, MUL, PAD, RESIZE, SOFTMAX."""
    pass_ns: float = 0.0643
    """The same operations, per byte in and out."""
    parameter_ns: float = 0.0164
    """Convolution, dense, depthwise: per byte of parameters."""
    window_us: float = 2.16
    """Per convolution with a kernel larger than 1×1: neighbouring tiles exchange edges."""
    crowding_per_mib: float = 2.07
    """How much slower parameters stream per MiB of activations beyond `crowding_from_mib`; rests on one source."""
    crowding_from_mib: float = 3.0
    instruction_bytes: float = 24_400.0
    """Instructions of any network; sent anew at every inference."""
    layer_instruction_bytes: float = 1_635.0
    """More of them per convolution or dense layer."""
    activation_instruction_bytes: float = 5_500.0
    """More of them per MiB of activations."""
    dense_instruction_bytes: float = 1_000.0
    """Instructions of a network of dense layers only."""
    dense_layer_instruction_bytes: float = 1_530.0
    """More of them per dense layer of such a network."""

    @property
    def rates_ns(self) -> tuple[float, float, float, float, float, float, float]:
        """Nanoseconds per unit of each field of `work.Work`."""
        return (
            self.cycle_ns,
            self.tap_ns,
            self.pool_us * 1000,
            self.pass_us * 1000,
            self.pass_ns,
            self.parameter_ns,
            self.window_us * 1000,
        )

    @property
    def instruction_rates(self) -> tuple[float, float, float, float, float]:
        """Bytes per unit of each part of `traffic.instruction_parts`."""
        return (
            self.instruction_bytes,
            self.layer_instruction_bytes,
            self.activation_instruction_bytes,
            self.dense_instruction_bytes,
            self.dense_layer_instruction_bytes,
        )


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
    """int8 multiply-accumulates per microsecond of the host's processor, for what is not mapped; a rough guess.

    Source: CPU columns of Coral's benchmark page (MobileNet v1: 164 ms on the Dev Board, 53 ms on a desktop).
    """
    measurements: int = 0
    """How many measurements the profile rests on."""
    clock: Clock = "max"
    clock_factor: float = 1.0
    """How much longer the chip's own work takes than at the maximum clock."""
    chip: ChipRates = field(default_factory=ChipRates)
    origin: str = "fitted to public measurements"


def _profiles(*profiles: DeviceProfile) -> Mapping[str, DeviceProfile]:
    return MappingProxyType({profile.key: profile for profile in profiles})


def at_reduced_clock(profile: DeviceProfile) -> DeviceProfile:
    """Return a device as the runtime `libedgetpu1-std` drives it: half the clock, so twice the time of the chip's work.

    Source: coral.ai/docs/accelerator/get-started; 250 instead of 500 MHz. Not confirmed by measurements.
    """
    return replace(
        profile,
        key=profile.key + "-std",
        title=profile.title + ", reduced clock",
        clock="std",
        clock_factor=2.0,
        spread=max(profile.spread, 0.2),
        origin="derived from the profile at full clock; not confirmed by measurements",
    )


def is_reached_alike(profile: DeviceProfile, link: str | None, clock: str | None) -> bool:
    """Say whether an attached Edge TPU says something about a profile: over the same link, and at the same clock.

    The clock is that of Coral's runtime; it changes USB devices alone.
    Source: coral.ai/docs/accelerator/get-started, "maximum operating frequency".
    """
    return link == profile.link and (link == "pcie" or clock in (None, profile.clock))


_USB3 = DeviceProfile(
    key="usb3",
    title="Coral USB Accelerator, USB 3, PC",
    link="usb3",
    floor_ms=0.211,
    to_chip_ns=2.25,
    from_chip_ns=8.7,
    spread=0.09,
    cpu_macs_per_us=12_000.0,
    measurements=12,
)
_USB2 = DeviceProfile(
    key="usb2",
    title="Coral USB Accelerator, USB 2",
    link="usb2",
    floor_ms=0.406,
    to_chip_ns=28.0,
    from_chip_ns=86.0,
    spread=0.12,
    cpu_macs_per_us=5_000.0,
    measurements=26,
)

DEVICES: Mapping[str, DeviceProfile] = _profiles(
    DeviceProfile(
        key="devboard",
        title="Coral Dev Board (PCIe)",
        link="pcie",
        floor_ms=0.187,
        to_chip_ns=2.69,
        from_chip_ns=8.6,
        spread=0.11,
        cpu_macs_per_us=3_500.0,
        measurements=20,
    ),
    DeviceProfile(
        key="m2",
        title="Coral M.2 or PCIe card in a PC",
        link="pcie",
        floor_ms=0.082,
        to_chip_ns=2.64,
        from_chip_ns=9.1,
        spread=0.12,
        cpu_macs_per_us=12_000.0,
        measurements=136,
    ),
    _USB3,
    _USB2,
    at_reduced_clock(_USB3),
    at_reduced_clock(_USB2),
    DeviceProfile(
        key="mac",
        title="Coral USB Accelerator, USB 3, Mac",
        link="usb3",
        floor_ms=0.554,
        to_chip_ns=2.36,
        from_chip_ns=8.9,
        spread=0.1,
        cpu_macs_per_us=12_000.0,
        measurements=4,
    ),
    DeviceProfile(
        key="jetson",
        title="Jetson Nano, USB 3",
        link="usb3",
        floor_ms=0.402,
        to_chip_ns=2.52,
        from_chip_ns=32.0,
        spread=0.12,
        cpu_macs_per_us=5_000.0,
        measurements=26,
    ),
    DeviceProfile(
        key="rpi4",
        title="Raspberry Pi 4, USB 3",
        link="usb3",
        floor_ms=2.12,
        to_chip_ns=2.41,
        from_chip_ns=8.9,
        spread=0.2,
        cpu_macs_per_us=2_000.0,
        measurements=2,
    ),
    DeviceProfile(
        key="rpi3",
        title="Raspberry Pi 3, USB 2",
        link="usb2",
        floor_ms=0.468,
        to_chip_ns=32.5,
        from_chip_ns=82.0,
        spread=0.25,
        cpu_macs_per_us=800.0,
        measurements=4,
    ),
)
"""Known devices by key."""
