"""Which Edge TPUs are attached to this machine, without opening them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgetpu.devices import Clock, Link

_USB_IDENTITIES = {("1a6e", "089a"), ("18d1", "9302")}
"""Vendor and product of the USB Accelerator before and after its firmware is loaded.

Source: coral.ai/docs/accelerator/get-started, udev rules of libedgetpu.
"""
_USB3_MBIT = 5000


@dataclass(frozen=True, slots=True)
class AttachedDevice:
    """An Edge TPU that the system sees."""

    link: Link
    path: Path
    """Its device file."""
    accessible: bool
    """Whether this user may open it."""
    name: str
    """What libedgetpu calls it: pci:0, usb:0, …"""


def list_devices(root: Path = Path("/")) -> tuple[AttachedDevice, ...]:
    """Return the Edge TPUs that are attached, PCIe first.

    Args:
        root: where /dev and /sys are found; tests give a folder of their own.
    """
    cards = [
        AttachedDevice("pcie", node, os.access(node, os.R_OK | os.W_OK), f"pci:{number}")
        for number, node in enumerate(sorted((root / "dev").glob("apex_*")))
    ]
    sticks = [folder for folder in sorted((root / "sys/bus/usb/devices").glob("*")) if _is_accelerator(folder)]
    return (*cards, *(_stick(root, folder, number) for number, folder in enumerate(sticks)))


def installed_clock(root: Path = Path("/")) -> Clock | None:
    """Return which of Coral's two runtime packages is installed: full clock or reduced; None if neither."""
    folder = root / "var/lib/dpkg/info"
    clocks: tuple[Clock, ...] = ("max", "std")
    return next((clock for clock in clocks if any(folder.glob(f"libedgetpu1-{clock}*.list"))), None)


def _is_accelerator(folder: Path) -> bool:
    return (_read(folder / "idVendor"), _read(folder / "idProduct")) in _USB_IDENTITIES


def _stick(root: Path, folder: Path, number: int) -> AttachedDevice:
    speed, bus, place = (_number(folder / name) for name in ("speed", "busnum", "devnum"))
    node = root / "dev/bus/usb" / f"{bus:03d}" / f"{place:03d}"
    link: Link = "usb3" if speed >= _USB3_MBIT else "usb2"
    return AttachedDevice(link, node, os.access(node, os.R_OK | os.W_OK), f"usb:{number}")


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _read(path)
    return int(text) if text.isdigit() else 0
