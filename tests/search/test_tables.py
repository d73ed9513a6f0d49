from __future__ import annotations

import gzip
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from search.canonical import cell_key, skips_last
from search.errors import TableInvalid
from search.tables import read_table

NAS = Path(__file__).resolve().parents[3] / "shared" / "data" / "nas"


def _write(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_digits_are_choices_and_the_first_cost_is_taken(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path, "arch,acc,params,flops\n12,90,1,10\n21,80,2,20\n22,85,3,30\n", "table.csv.gz"))
    assert [choice.values for choice in table.choices] == [("1", "2"), ("1", "2")]
    assert table.costs.tolist() == [10, 20, 30]
    assert table.parameters is not None
    assert table.rows_of(np.array([[0, 1], [0, 0]])).tolist() == [0, -1]
    assert table.known(np.array([[0, 1], [0, 0]])).allowed.tolist() == [True, False]


def test_values_may_be_separated_and_stand_in_the_order_of_numbers(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path, 'arch,accuracy,latency_ms\n"16,3",1,1\n"8,5",2,2\n"128,3",3,3\n'))
    assert [choice.values for choice in table.choices] == [("8", "16", "128"), ("3", "5")]


def test_rows_without_a_number_are_left_out(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path, "arch,acc,macs\n11,90,1\n12,,2\n21,70,nan\n22,80,4\n"))
    assert table.accuracies.tolist() == [90, 80]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path, "arch,acc,params\n11,90,1\n")
    with pytest.raises(TableInvalid, match="no column latency or edgetpu or flops or macs; it has arch, acc, params"):
        read_table(path)
    with pytest.raises(TableInvalid, match="no column watts"):
        read_table(path, cost="watts")


@pytest.mark.parametrize("spelled", ["digits", "operations"])
def test_cells_are_recognised_where_equal_ones_cost_the_same(tmp_path: Path, spelled: str) -> None:
    names = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    lines = ["arch,acc,latency_ms"]
    for number, way in enumerate(product(range(5), repeat=6)):
        if number % 7 == 0 or number < 400:
            a, b, c, d, e, f = (names[code] for code in way)
            text = f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"
            cost = 1 + sum(map(ord, cell_key(way))) % 97  # equal for equal cells
            lines.append(f"{text if spelled == 'operations' else ''.join(map(str, way))},{number % 89},{cost}")
    table = read_table(_write(tmp_path, "\n".join(lines)))
    assert table.equal is cell_key
    assert len(set(table.known(table.codes).keys)) < len(table.codes)


def test_six_choices_of_five_values_are_no_cell_where_costs_say_otherwise(tmp_path: Path) -> None:
    ways = list(product("01234", repeat=6))[::7]
    lines = [f"{''.join(way)},{number},{1 + number}" for number, way in enumerate(ways)]
    assert read_table(_write(tmp_path, "\n".join(["arch,acc,flops", *lines]))).equal is None


def test_equal_cells_share_their_key() -> None:
    assert cell_key((3, 1, 1, 0, 1, 0)) == cell_key((3, 0, 1, 0, 1, 0)), "what does not reach the end means nothing"
    assert cell_key((3, 3, 0, 0, 1, 1)) == cell_key((3, 3, 0, 0, 1, 1))
    assert cell_key((3, 2, 0, 0, 1, 1)) == cell_key((2, 3, 0, 0, 1, 1)), "two nodes may change places"
    assert cell_key((3, 2, 0, 0, 1, 1)) != cell_key((3, 3, 0, 0, 1, 1))


def test_skipped_layers_of_a_stage_stand_last() -> None:
    assert skips_last((0, 1, 2, 0, 1, 0, 0, 2), (2, 3, 3), 0) == (0, 1, 2, 1, 0, 0, 2, 0)
    ways = product(range(3), repeat=8)
    assert len({skips_last(way, (2, 3, 3), 0) for way in ways}) == 3969  # as NAS-Bench-Macro publishes


@pytest.mark.skipif(not NAS.is_dir(), reason="the published tables are not beside this checkout")
def test_a_published_table_is_read_and_its_front_is_all_of_its_hypervolume() -> None:
    table = read_table(NAS / "nasbench_macro.csv.gz", equal=partial(skips_last, stages=(2, 3, 3), skip=0))
    assert len(table.codes) == 6561
    assert table.share_of_hypervolume(range(6561)) == 1
    keys = table.known(table.codes).keys
    by_key: dict[str, set[float]] = {}
    for key, accuracy in zip(keys, table.accuracies, strict=True):
        by_key.setdefault(key, set()).add(accuracy)
    assert all(len(found) == 1 for found in by_key.values()), "what counts as equal was published as equal"
