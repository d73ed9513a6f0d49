"""Fit the chip's rates and every host's together; the shipped profiles in `edgetpu/devices.py` come from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from edgetpu_measurements import Row
from scipy.optimize import least_squares

from edgetpu.calibration import HOST_PRIORS, scaled
from edgetpu.devices import ChipRates, DeviceProfile
from edgetpu.terms import TermTable

CHIP_START = ChipRates(
    cycle_ns=1.0, tap_ns=0.05, pool_us=14.0, pass_us=5.5, pass_ns=0.05, parameter_ns=0.02, window_us=2.0
)
CHIP_SPREADS = {
    "cycle_ns": 0.2,
    "tap_ns": 0.3,
    "pool_us": 0.2,
    "pass_us": 0.4,
    "pass_ns": 0.4,
    "parameter_ns": 0.3,
    "window_us": 0.8,
    "crowding_per_mib": 0.5,
}
LINK_START: Mapping[str, tuple[float, float, float]] = {
    "pcie": (0.25, 2.6, 8.0),
    "usb3": (0.40, 2.2, 9.0),
    "usb2": (0.40, 28.0, 80.0),
}
"""Floor, ns per byte to and from the chip, of a host of which nothing is known but its link."""
MOST_STEPS = 60
LINKS = {"devboard": "pcie", "m2": "pcie", "usb2": "usb2", "rpi3": "usb2"}


@dataclass(frozen=True)
class Fitted:
    """The outcome of one fit."""

    chip: ChipRates
    hosts: Mapping[str, DeviceProfile]

    def profile(self, host: str) -> DeviceProfile:
        """Return a host's profile; for one that was not seen, what its link lets expect."""
        return self.hosts.get(host) or self.hosts[link_key(host)]


def link_key(host: str) -> str:
    """Return the name of the profile that stands for a link."""
    return "any " + LINKS.get(host, "usb3")


def fit(rows: Sequence[Row], noises: Mapping[str, float], chip_start: ChipRates = CHIP_START) -> Fitted:
    """Return the most probable rates.

    Hosts of one link are drawn towards a common centre, which is fitted as well.

    Args:
        rows: measurements.
        noises: by source, how far measurements may be off, as a logarithm; 0.06 where it is not named.
        chip_start: the rates to begin with.
    """
    hosts = sorted({row.host for row in rows})
    links = sorted({LINKS.get(host, "usb3") for host in hosts} | {"usb3", "usb2", "pcie"})
    tables = {host: TermTable([row.terms for row in rows if row.host == host]) for host in hosts}
    measured = {host: np.log([row.ms for row in rows if row.host == host]) for host in hosts}
    noise = {host: np.array([noises.get(row.source, 0.06) for row in rows if row.host == host]) for host in hosts}
    chip_names, host_names = list(CHIP_SPREADS), list(HOST_PRIORS)
    spreads = np.array(
        [*CHIP_SPREADS.values(), *np.tile([0.5, 0.3, 0.4], len(links)), *np.tile([0.6, 0.085, 0.4], len(hosts))]
    )

    def unpack(x: np.ndarray) -> Fitted:
        at = len(chip_names)
        chip = scaled(_blank("any", "usb3", chip_start), chip_names, x[:at]).chip
        centres = {}
        for link in links:
            centres[link] = scaled(_blank("any " + link, link, chip), host_names, x[at : at + 3])
            at += 3
        found = {"any " + link: centre for link, centre in centres.items()}
        for host in hosts:
            centre = replace(centres[LINKS.get(host, "usb3")], key=host)
            found[host] = scaled(centre, host_names, x[at : at + 3])
            at += 3
        return Fitted(chip, found)

    def residuals(x: np.ndarray) -> np.ndarray:
        fitted = unpack(x)
        off = [(np.log(tables[h].milliseconds(fitted.hosts[h])) - measured[h]) / noise[h] for h in hosts]
        both = np.concatenate(off)
        robust = np.sign(both) * np.sqrt(2 * (np.sqrt(1 + both**2) - 1))
        return np.concatenate([robust, x / spreads])

    found = least_squares(residuals, np.zeros(len(spreads)), x_scale=spreads, max_nfev=MOST_STEPS)
    return unpack(found.x)


def _blank(key: str, link: str, chip: ChipRates) -> DeviceProfile:
    floor, to_chip, from_chip = LINK_START[link]
    return DeviceProfile(key, key, link, floor, to_chip, from_chip, 0.1, chip=chip)  # type: ignore[arg-type]
