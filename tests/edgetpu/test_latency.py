from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgetpu.calibration import Observation, calibrate, fit_profile, observe, read_measurements
from edgetpu.devices import DEVICES
from edgetpu.errors import BadMeasurements
from edgetpu.graph import Graph
from edgetpu.latency import at_other_capacity, estimate
from edgetpu.memory import memory_map
from edgetpu.sketch import Sketch
from edgetpu.terms import TermTable, terms_of
from edgetpu.tflite import read_graph
from edgetpu.work import tile_cycles

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def network(filters: int, depth: int = 4, side: int = 64) -> Graph:
    sketch = Sketch((side, side, 3))
    x = sketch.conv(sketch.inputs[0], filters, 3, 2)
    for _ in range(depth):
        x = sketch.conv(sketch.depthwise(x), filters)
    return sketch.graph(sketch.dense(sketch.global_pool(x), 10))


def test_an_estimate_says_where_it_comes_from_and_how_far_to_trust_it() -> None:
    found = estimate(network(32), "devboard")
    assert found.low_ms < found.ms < found.high_ms
    assert found.origin == "estimated"
    assert found.device.title == "Coral Dev Board (PCIe)"
    assert found.fps == pytest.approx(1000 / found.ms)
    assert sum(found.parts_ms.values()) == pytest.approx(found.ms)


@pytest.mark.parametrize("key", ["devboard", "usb3", "usb2", "m2", "rpi4", "rpi3", "jetson", "mac", "usb3-std"])
def test_every_known_device_gives_an_estimate(key: str) -> None:
    assert estimate(network(16), key).device.key == key


def test_an_unknown_device_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        estimate(network(16), "abacus")


def test_usb2_is_slower_than_usb3_and_the_reduced_clock_slower_than_the_full() -> None:
    graph = network(128)
    assert estimate(graph, "usb2").ms > estimate(graph, "usb3").ms
    assert estimate(graph, "usb3-std").ms > estimate(graph, "usb3").ms


def test_what_is_streamed_takes_longer_and_is_named_as_the_limit() -> None:
    sketch = Sketch((14, 14, 512))
    x = sketch.inputs[0]
    for _ in range(8):
        x = sketch.conv(x, 512, 3)
    graph = sketch.graph(x)
    slow = estimate(graph, "usb2")
    assert slow.limited_by == "streaming"
    assert slow.ms > estimate(graph, "usb2", capacity_bytes=10**9).ms


def test_what_stays_on_the_cpu_is_counted_and_warned_of() -> None:
    sketch = Sketch((64, 64, 16))
    sketch.conv(sketch.like(sketch.conv(sketch.inputs[0], 64, 3), "LEAKY_RELU"), 512, 3)
    found = estimate(sketch.graph(), "devboard")
    assert found.limited_by == "cpu"
    assert found.parts_ms["cpu"] > 0
    assert any("processor" in warning for warning in found.warnings)


def test_close_to_the_chips_memory_both_cases_are_given() -> None:
    sketch = Sketch((14, 14, 512))
    x = sketch.inputs[0]
    for _ in range(3):
        x = sketch.conv(x, 512, 3)
    graph = sketch.graph(x)
    other = at_other_capacity(graph, "usb3")
    assert other is not None
    assert other.ms > estimate(graph, "usb3").ms
    assert at_other_capacity(network(16), "usb3") is None


def test_compute_agrees_with_the_compilers_own_cycles(pairs: tuple[tuple[Path, Path], ...]) -> None:
    from edgetpu.layers import DENSE, POINTWISE, SPATIAL, layers_of
    from edgetpu.package import read_compiled

    for compiled, source in pairs:
        cycles = read_compiled(compiled).operations[0].inference.estimated_cycles
        if cycles and "mobilenet_v2" in source.name:
            layers = layers_of(read_graph(source))
            ours = sum(tile_cycles(layer) for layer in layers if layer.work in (DENSE, POINTWISE, SPATIAL))
            assert 0.5 < ours / cycles < 1.1


def test_arrays_and_single_estimates_agree() -> None:
    graphs = [network(16), network(100), network(24, 8, 96)]
    table = TermTable([terms_of(graph, memory_map(graph)) for graph in graphs])
    for graph, ms in zip(graphs, table.milliseconds(DEVICES["usb3"]), strict=True):
        assert estimate(graph, "usb3").ms == pytest.approx(ms)


def slower_device(observations: int, *, noise: float = 0.02) -> list[Observation]:
    """Measure networks on an imaginary device with a slow link and a high floor."""
    truth = replace(DEVICES["usb3"], floor_ms=1.1, to_chip_ns=4.0)
    rng = np.random.default_rng(1)
    graphs = [network(8 * (2 + number % 7), 3 + number % 5, 32 * (1 + number % 4)) for number in range(observations)]
    return [
        observe(str(n), graph, estimate(graph, truth).ms * float(np.exp(rng.normal(0, noise))))
        for n, graph in enumerate(graphs)
    ]


def test_ten_measurements_improve_a_profile() -> None:
    found = calibrate(slower_device(10), DEVICES["usb3"])
    assert found.improved
    assert found.error_before > 0.3
    assert found.error_after < 0.05
    assert found.profile.measurements == 10
    assert found.profile.origin == "calibrated with 10 measurements"


def test_three_measurements_are_the_least() -> None:
    assert calibrate(slower_device(3), DEVICES["usb3"]).error_after < 0.2
    with pytest.raises(BadMeasurements, match="At least three"):
        calibrate(slower_device(2), DEVICES["usb3"])


def test_one_wild_measurement_does_not_ruin_a_profile() -> None:
    observations = slower_device(12)
    observations[5] = replace(observations[5], measured_ms=observations[5].measured_ms * 6)
    assert calibrate(observations, DEVICES["usb3"]).error_after < 0.1


def test_measurements_that_confirm_a_profile_leave_it_as_it_is() -> None:
    graphs = [network(16 * n, 4, 64) for n in range(1, 8)]
    table = TermTable([terms_of(graph, memory_map(graph)) for graph in graphs])
    start = DEVICES["devboard"]
    fitted = fit_profile(table, table.milliseconds(start), start)
    assert fitted.floor_ms == pytest.approx(start.floor_ms, rel=1e-3)


def test_measurements_are_read_from_a_table(tmp_path: Path, mobilenet: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(mobilenet.read_bytes())
    table = tmp_path / "table.csv"
    table.write_text("model,latency_ms\nmodel.tflite,1.5\n")
    (found,) = read_measurements(table)
    assert found.measured_ms == 1.5
    assert found.name == "model.tflite"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("model,latency_ms\nmodel.tflite,fast\n", "Line 2"),
        ("model,latency_ms\nmodel.tflite,-1\n", "Line 2"),
        ("model,latency_ms\nnone.tflite,1\n", "no model file"),
        ("name,ms\nx,1\n", "header"),
        ("", "header"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "model.tflite").write_bytes(b"")
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(BadMeasurements, match=complaint):
        read_measurements(tmp_path / "table.csv")


@pytest.fixture(scope="session")
def published(latency_folder: Path) -> object:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import edgetpu_measurements
    finally:
        sys.path.remove(str(BENCHMARKS))
    return edgetpu_measurements


def test_published_networks_are_estimated_within_seven_per_cent(published: object) -> None:
    rows = published.whole_models()  # type: ignore[attr-defined]
    off = [abs(TermTable([row.terms]).milliseconds(DEVICES[row.host])[0] / row.ms - 1) for row in rows]
    assert np.median(off) < 0.07
    assert np.quantile(off, 0.9) < 0.18


def test_unseen_cells_are_ranked_and_thirty_measurements_time_them(published: object) -> None:
    cells = [cell for cell in published.cells() if cell.first_ms]  # type: ignore[attr-defined]
    measured = np.array([cell.first_ms for cell in cells])
    table = TermTable([cell.terms for cell in cells])
    plain = table.milliseconds(DEVICES["usb3"])
    assert rank_correlation(plain, measured) > 0.95
    assert np.mean(np.abs(plain / measured - 1)) < 0.10
    picked = np.random.default_rng(0).choice(len(cells), 30, replace=False)
    profile = fit_profile(TermTable([cells[n].terms for n in picked]), measured[picked], DEVICES["usb3"])
    predicted = table.milliseconds(profile)
    assert rank_correlation(predicted, measured) > 0.99
    assert np.mean(np.abs(predicted / measured - 1)) < 0.03


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(one)) for one in (first, second)]
    return float(np.corrcoef(*ranks)[0, 1])
