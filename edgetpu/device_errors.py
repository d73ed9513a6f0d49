"""What an error of the Edge TPU's software means."""

from __future__ import annotations

from collections.abc import Sequence

from edgetpu.attached import AttachedDevice, list_devices
from edgetpu.errors import (
    DeviceBusy,
    DeviceError,
    DeviceForbidden,
    DeviceLost,
    DeviceMissing,
    RunFailed,
    RuntimeMissing,
)

_NO_SOFTWARE = (
    "The software that speaks to an Edge TPU is not installed here ({text}). Install libedgetpu1-std from Coral's "
    "Debian repository, and pycoral or ai-edge-litert for Python."
)
_NO_DEVICE = (
    "No Edge TPU is attached to this machine. Plug it in; on Linux `lsusb` shows it as 1a6e:089a or 18d1:9302, and a "
    "PCIe card as /dev/apex_0."
)
_FORBIDDEN = (
    "There is an Edge TPU at {path}, but this user may not open it. Add the user to the group that owns it (plugdev or "
    "apex), install libedgetpu's udev rules, and log in again."
)
_BUSY = (
    "There is an Edge TPU, but it does not open: most often another process is using it. End that process, or unplug "
    "the device and plug it in again. (“{text}”)"
)
_LOST = (
    "The Edge TPU went away in the middle of a run (“{text}”). Plug it in again, on another port or a powered hub, and "
    "repeat the measurement."
)
_MISSING_LIBRARY = ("cannot open shared object", "image not found", "no such file", "no module named")
_LOST_WORDS = ("deadline exceeded", "usb transfer error", "no such device", "device is lost", "transfer on tag")


def explain_device_error(
    kind: str, text: str, stage: str, devices: Sequence[AttachedDevice] | None = None
) -> DeviceError | RunFailed:
    """Return the error that tells what happened.

    Args:
        kind: the class of the exception in the process that ran the model.
        text: its message.
        stage: how far it got: import, delegate, open, input or run.
        devices: what is attached; None to look.
    """
    lowered = text.lower()
    if stage in ("import", "delegate") and _missing_software(kind, lowered):
        return RuntimeMissing(_NO_SOFTWARE.format(text=text))
    attached = list_devices() if devices is None else devices
    if stage == "input" or (stage == "open" and "failed to load delegate" not in lowered and attached):
        return RunFailed(f"The model cannot be run on the Edge TPU: {text}.")
    if stage == "run" or any(words in lowered for words in _LOST_WORDS):
        return DeviceLost(_LOST.format(text=text))
    if not attached:
        return DeviceMissing(_NO_DEVICE)
    forbidden = [device for device in attached if not device.accessible]
    if len(forbidden) == len(attached):
        return DeviceForbidden(_FORBIDDEN.format(path=forbidden[0].path))
    return DeviceBusy(_BUSY.format(text=text))


def _missing_software(kind: str, lowered: str) -> bool:
    return kind in ("ImportError", "ModuleNotFoundError") or any(words in lowered for words in _MISSING_LIBRARY)
