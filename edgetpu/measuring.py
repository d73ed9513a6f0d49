"""Measure a model and, where its source is at hand, compare its answers with those of the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetpu.errors import DeviceMissing
from edgetpu.measurement import BitMatch, Measurement
from edgetpu.runtime import AttachedDevice, bit_match, list_devices, measure
from edgetpu.tflite import read_graph


def measure_and_compare(
    model: Path, source: Path | None, *, device: str | None, runs: int, images: int
) -> tuple[Measurement, BitMatch | None]:
    """Return how long a compiled model takes and, given its source, how its answers differ from the CPU's.

    Args:
        model: the compiled model.
        source: what it was made from; None to leave the comparison out.
        device: libedgetpu's name of the Edge TPU (pci:0, usb:0); None for the first.
        runs: how many inferences to time.
        images: how many random images to compare.

    Raises:
        DeviceError: if the Edge TPU cannot be used.
        RunFailed: if the source does not run on the CPU.
    """
    attached = _chosen(device)
    measurement = measure(model, device=attached, runs=runs)
    if source is None:
        return measurement, None
    tensor = read_graph(source).tensors
    first = tensor[read_graph(source).inputs[0]]
    values = np.random.default_rng(0).integers(0, 256, (images, *first.shape[1:]), dtype=np.int64).astype(first.dtype)
    return measurement, bit_match(source, model, values, device=attached)


def _chosen(name: str | None) -> AttachedDevice | None:
    if name is None:
        return None
    attached = list_devices()
    for device in attached:
        if device.name == name:
            return device
    names = ", ".join(device.name for device in attached) or "none"
    raise DeviceMissing(f"There is no Edge TPU {name} on this machine; attached: {names}.")
