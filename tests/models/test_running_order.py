from __future__ import annotations

import pytest

from models.families import FAMILIES
from models.running_order import running_order


def test_the_path_with_more_layers_runs_first() -> None:
    short, deep_first, deep_second, join = (-1,), (-1,), (1,), (0, 2)
    assert running_order([short, deep_first, deep_second, join], [3, 3, 3, 1]) == [1, 0, 2, 3]


def test_paths_of_one_length_run_as_they_are_joined() -> None:
    assert running_order([(-1,), (-1,), (1, 0)], [3, 3, 1]) == [1, 0, 2]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inception_v2", "resnet"])
def test_layers_are_listed_in_the_order_in_which_keras_runs_them(name: str) -> None:
    from models.network import build_network

    architecture = next(iter(FAMILIES[name].published.values()))
    network = build_network(architecture, 3, seed=0)
    depths = {node.operation.name: depth for depth, nodes in network._nodes_by_depth.items() for node in nodes}
    ends = [_end(layer.name, depths) for layer in architecture.layers(3)]
    assert ends == sorted(ends, reverse=True)


def _end(name: str, depths: dict[str, int]) -> int:
    """Return how far the last Keras layer of a layer is from the output."""
    return min(depths[each] for each in (name, f"{name}_norm", f"{name}_relu") if each in depths)
