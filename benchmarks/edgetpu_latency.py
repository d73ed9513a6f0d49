"""How far estimates of latency are off, on rows and networks that the constants did not see.

Run: python benchmarks/edgetpu_latency.py
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from edgetpu_fit import Fitted, fit
from edgetpu_measurements import (
    Cell,
    Row,
    cells,
    conv_ladder,
    dense_ladder,
    jetson_ladders,
    require_data,
    whole_models,
)
from scipy.stats import spearmanr

from edgetpu.calibration import HOST_PRIORS, fit_profile
from edgetpu.devices import DEVICES, DeviceProfile
from edgetpu.latency import band_ms
from edgetpu.terms import TermTable

NOISES = {"conv ladder": 0.15, "dense ladder": 0.15, "iwatake2222": 0.12}
SEEN_IN_ONE_SOURCE = ("rpi4", "rpi3")


def main() -> None:
    """Print every table."""
    require_data()
    whole, ladders = whole_models(), (conv_ladder(), dense_ladder(), jetson_ladders())
    everything = fit([*whole, *(row for ladder in ladders for row in ladder[::2])], NOISES)
    print_constants(everything)
    print("\nWhole networks, source and network held out; a host in one source only is predicted from its link alone")
    held = [predict_held_out(row, whole, ladders) for row in whole]
    print_errors("all hosts", whole, held)
    known = [number for number, row in enumerate(whole) if row.host not in SEEN_IN_ONE_SOURCE]
    print_errors("without Raspberry Pi", [whole[n] for n in known], [held[n] for n in known])
    print_coverage(whole, held)
    print_ladders(whole, ladders)
    print_cells()


def print_ladders(whole: Sequence[Row], ladders: Sequence[Sequence[Row]]) -> None:
    """Print the micro-benchmarks' errors: the chip's rates from elsewhere, the host's three from every fifth row."""
    print(
        "\nMicro-benchmarks: rates of the chip from other laboratories, the host's from every fifth row, others tested"
    )
    together: list[tuple[Row, float]] = []
    for ladder in ladders:
        rest = [*whole, *(row for other in ladders if other is not ladder for row in other[::2])]
        fitted = fit([row for row in rest if row.source != ladder[0].source], NOISES)
        tested: list[tuple[Row, float]] = []
        for host in {row.host for row in ladder}:
            rows = [row for row in ladder if row.host == host]
            table = TermTable([row.terms for row in rows[::5]])
            measured = np.array([row.ms for row in rows[::5]])
            profile = fit_profile(table, measured, fitted.profile(host), HOST_PRIORS)
            tested += [(row, one(row, profile)) for number, row in enumerate(rows) if number % 5]
        print_errors(ladder[0].source, *zip(*tested, strict=True))
        together += tested
    print_errors("all", *zip(*together, strict=True))


def one(row: Row, profile: DeviceProfile) -> float:
    """Return the estimate of one row, in milliseconds."""
    return float(TermTable([row.terms]).milliseconds(profile)[0])


def predict_held_out(row: Row, whole: Sequence[Row], ladders: Sequence[Sequence[Row]]) -> float:
    """Return the estimate of one row from rows of other sources about other networks."""
    others = [*whole, *(other for ladder in ladders for other in ladder[::2])]
    fitted = fit([other for other in others if other.source != row.source and other.network != row.network], NOISES)
    ms = one(row, fitted.profile(row.host))
    print(
        f"  {row.source:14s} {row.network:24s} {row.host:9s} {row.ms:8.2f} {ms:8.2f} {100 * (ms / row.ms - 1):+6.1f} %"
    )
    return ms


def print_constants(fitted: Fitted) -> None:
    """Print what the shipped profiles are made of."""
    print("Constants fitted to all rows but NAS-Bench-201:", fitted.chip)
    for name, host in fitted.hosts.items():
        print(f"  {name:9s} {host.floor_ms:6.3f} ms {host.to_chip_ns:7.3f} ns/B in {host.from_chip_ns:6.2f} ns/B out")


def print_errors(name: str, rows: Sequence[Row], predicted: Sequence[float]) -> None:
    """Print how far estimates are off."""
    off = np.abs(np.array(predicted) / np.array([row.ms for row in rows]) - 1)
    print(
        f"{name:22s} {len(rows):4d} rows  median {100 * np.median(off):5.1f} %  90 % within "
        f"{100 * np.quantile(off, 0.9):5.1f} %  within 18 %: {100 * np.mean(off <= 0.18):5.1f} %"
    )


def print_coverage(rows: Sequence[Row], predicted: Sequence[float]) -> None:
    """Print how many held-out measurements lie in the 80 % band."""
    inside = [
        low <= row.ms <= high
        for row, ms in zip(rows, predicted, strict=True)
        for low, high in [band_ms(ms, DEVICES[row.host])]
    ]
    print(f"in the 80 % band       {100 * np.mean(inside):.0f} %")


def print_cells() -> None:
    """Print how well NAS-Bench-201 cells are ranked and timed, with and without calibration."""
    print("\nNAS-Bench-201 cells (error: mean absolute, in per cent)")
    laboratories: list[tuple[str, Callable[[Cell], float]]] = [
        ("HW-NAS-Bench", lambda cell: cell.first_ms),
        ("Eagle", lambda cell: cell.second_ms),
    ]
    for laboratory, measured_of in laboratories:
        chosen = [cell for cell in cells() if measured_of(cell)]
        measured = np.array([measured_of(cell) for cell in chosen])
        for key in ("devboard", "usb3", "m2"):
            print_cell_line(
                laboratory, f"{key}, none", TermTable([c.terms for c in chosen]).milliseconds(DEVICES[key]), measured
            )
        for rows in (10, 30, 100):
            calibrated(laboratory, chosen, measured, rows)


def calibrated(laboratory: str, chosen: Sequence[Cell], measured: np.ndarray, rows: int) -> None:
    """Print the mean outcome of five random calibrations."""
    ranks, errors = [], []
    for seed in range(5):
        picked = np.random.default_rng(seed).choice(len(chosen), rows, replace=False)
        rest = np.setdiff1d(np.arange(len(chosen)), picked)
        table = TermTable([chosen[n].terms for n in picked])
        profile = fit_profile(table, measured[picked], DEVICES["devboard"])
        predicted = TermTable([chosen[n].terms for n in rest]).milliseconds(profile)
        ranks.append(spearmanr(predicted, measured[rest])[0])
        errors.append(np.mean(np.abs(predicted / measured[rest] - 1)))
    name = f"devboard, {rows} rows"
    print(f"{laboratory:14s} {name:18s}  Spearman {np.mean(ranks):.4f}  error {100 * np.mean(errors):4.1f} %")


def print_cell_line(laboratory: str, name: str, predicted: np.ndarray, measured: np.ndarray) -> None:
    """Print one line of the cells' table."""
    error = np.mean(np.abs(predicted / measured - 1))
    print(f"{laboratory:14s} {name:18s}  Spearman {spearmanr(predicted, measured)[0]:.4f}  error {100 * error:4.1f} %")


if __name__ == "__main__":
    main()
