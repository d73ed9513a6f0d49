"""A table of networks whose accuracy is known, as a problem for the engine: trying one is looking it up. Pure."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from search.canonical import cell_key
from search.errors import TableInvalid
from search.front import hypervolume
from search.problem import Choice, Codes, Floats, Known, uniform

Canonical = Callable[[tuple[int, ...]], object]
"""From codes to what equal networks share."""

_ARCHITECTURES = ("arch", "arch_str", "architecture")
_ACCURACIES = ("acc", "accuracy", "val_acc", "test_acc")
_COSTS = ("latency", "edgetpu", "flops", "macs")
_PARAMETERS = ("params", "parameters")
_CELL_OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""Of NAS-Bench-201 (Dong and Yang 2020), in the order of its digits."""
_CELL_EDGES = 6
_EQUAL_WITHIN = 0.02
"""Share by which the costs of equal networks may differ, where they were measured."""
_DENSE_SHARE = 0.25
"""Where a table has less of all combinations than this, random networks are drawn from its rows."""


@dataclass(frozen=True, eq=False)
class Table:
    """Networks, what they cost, and how accurate they are."""

    name: str
    choices: tuple[Choice, ...]
    codes: Codes
    accuracies: Floats
    costs: Floats
    parameters: Floats | None = None
    equal: Canonical | None = None
    budget: float | None = None
    """The cost above which nothing may be tried; None for none."""

    @cached_property
    def cost_limit(self) -> float | None:
        """The cost that 99 % of the table stay below: what is dearer counts for nothing."""
        return float(np.quantile(self.costs, 0.99))

    @cached_property
    def affordable(self) -> Codes:
        """The rows within the budget."""
        return np.flatnonzero(self.costs <= (np.inf if self.budget is None else self.budget))

    def points_left(self, rows: Sequence[int]) -> float:
        """Return by how much the best affordable accuracy is above that of these rows."""
        return float(self.accuracies[self.affordable].max() - self.accuracies[list(rows)].max())

    def share_of_hypervolume(self, rows: Sequence[int]) -> float:
        """Return what of the area below the table's front these rows cover, counting accuracies above the median."""
        reference = {"worst_value": float(np.median(self.accuracies)), "worst_cost": float(self.cost_limit or 0)}
        found = hypervolume(self.accuracies[list(rows)], self.costs[list(rows)], **reference)
        return found / hypervolume(self.accuracies, self.costs, **reference)

    def varied(self, codes: Codes, random: np.random.Generator) -> Codes:
        """Return the candidates: a table knows nothing but networks."""
        return codes

    def anchors(self) -> Codes:
        """Return the cheapest network."""
        return self.codes[[int(np.argmin(self.costs))]]

    def canonical(self, codes: Codes) -> Codes:
        """Return the codes themselves: in a table every choice has a meaning."""
        return codes

    def known(self, codes: Codes) -> Known:
        """Return what the table says of candidates beside their accuracy."""
        rows = self.rows_of(codes)
        features = np.empty((len(codes), 0)) if self.parameters is None else np.log(self.parameters[rows])[:, None]
        keys = self._keys
        allowed = rows >= 0
        if self.budget is not None:
            allowed &= self.costs[rows] <= self.budget
        return Known(tuple(keys[row] for row in rows), self.costs[rows], features, allowed)

    def sample(self, random: np.random.Generator, count: int) -> Codes:
        """Return random networks of the table."""
        ways = np.prod([float(len(choice.values)) for choice in self.choices])
        if self.budget is not None or len(self.codes) < _DENSE_SHARE * ways:
            return self.codes[random.choice(self.affordable, size=count)]
        return uniform(self.choices, random, count)

    def rows_of(self, codes: Codes) -> Codes:
        """Return the row of each candidate, -1 where the table has none."""
        numbers, order = self._numbers
        wanted = self._number(codes)
        places = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
        return np.where(numbers[places] == wanted, order[places], -1)

    def _number(self, codes: Codes) -> Codes:
        sizes = [len(choice.values) for choice in self.choices]
        return np.asarray(np.ravel_multi_index(tuple(codes.T), sizes), dtype=np.int64)

    @cached_property
    def _numbers(self) -> tuple[Codes, Codes]:
        numbers = self._number(self.codes)
        order = np.argsort(numbers)
        return numbers[order], order

    @cached_property
    def _keys(self) -> list[str]:
        ways = map(tuple, self.codes.tolist())
        return [str(self.equal(way)) if self.equal else repr(way) for way in ways]


def read_table(path: Path, *, accuracy: str = "", cost: str = "", equal: Canonical | None = None) -> Table:
    """Return the table of a CSV file, also of a compressed one; rows without a number are left out.

    Args:
        path: with a column `arch`: one digit a choice, or values between separators, or a cell of NAS-Bench-201.
        accuracy: name of the column; empty for `acc` or the like.
        cost: name of the column; empty for the first whose name begins with latency, edgetpu, flops or macs.
        equal: what equal networks share; None finds out by itself whether the choices are the edges of a cell.

    Raises:
        TableInvalid: if the file has no such columns or no rows.
    """
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()
    rows = list(csv.DictReader(text.splitlines()))
    names = list(rows[0]) if rows else []
    chosen = {
        "arch": _column(names, _ARCHITECTURES, ""),
        "acc": _column(names, _ACCURACIES, accuracy),
        "cost": _column(names, _COSTS, cost),
    }
    size = next((name for name in names if name.startswith(_PARAMETERS) and name != chosen["cost"]), None)
    numeric = [chosen["acc"], chosen["cost"], *([size] if size else [])]
    kept = {row[chosen["arch"]]: row for row in reversed(rows) if all(_is_number(row[name]) for name in numeric)}
    found = list(reversed(kept.values()))
    choices, codes = _choices([_values_of(row[chosen["arch"]]) for row in found])
    table = Table(
        path.name.split(".")[0],
        choices,
        codes,
        np.array([float(row[chosen["acc"]]) for row in found]),
        np.array([float(row[chosen["cost"]]) for row in found]),
        np.array([float(row[size]) for row in found]) if size else None,
        equal,
    )
    return table if equal else _with_cells(table)


def _column(names: Sequence[str], known: Sequence[str], wanted: str) -> str:
    if wanted in names:
        return wanted
    exact = [name for name in known if name in names]
    found = exact or [name for start in known for name in names if name.startswith(start)]
    if wanted or not found:
        raise TableInvalid(f"The table has no column {wanted or ' or '.join(known)}; it has {', '.join(names)}.")
    return found[0]


def _is_number(text: str | None) -> bool:
    try:
        return text is not None and np.isfinite(float(text))
    except ValueError:
        return False


def _values_of(text: str) -> list[str]:
    """Return the value of each choice."""
    if "~" in text:  # |op~0|+|op~0|op~1|+…: operation and where its input comes from
        return [part.split("~")[0] for part in text.replace("+", "").split("|") if part]
    if text.isdigit():
        return list(text)
    return [part for part in re.split(r"[^\w.]+", text) if part]


def _choices(ways: Sequence[Sequence[str]]) -> tuple[tuple[Choice, ...], Codes]:
    if not ways or len({len(way) for way in ways}) != 1:
        raise TableInvalid("The table needs rows, and in each of them the same number of choices.")
    everything = {value for way in ways for value in way}
    alike = everything <= set(_CELL_OPERATIONS)
    columns = [set(column) for column in zip(*ways, strict=True)]
    shared = all(column == columns[0] for column in columns)
    orders = [list(_CELL_OPERATIONS) if alike else _ordered(everything if shared else column) for column in columns]
    choices = tuple(Choice(f"choice{number}", tuple(values)) for number, values in enumerate(orders, 1))
    places: list[Mapping[str, int]] = [{value: code for code, value in enumerate(values)} for values in orders]
    codes = [[place[value] for place, value in zip(places, way, strict=True)] for way in ways]
    return choices, np.array(codes, dtype=np.int64)


def _ordered(values: set[str]) -> list[str]:
    return sorted(values, key=lambda value: (not _is_number(value), float(value) if _is_number(value) else 0.0, value))


def _with_cells(table: Table) -> Table:
    """Return the table with equal cells known as such, if its choices are the edges of cells.

    They are if they have the shape and what should be equal costs the same.
    """
    if [len(choice.values) for choice in table.choices] != [len(_CELL_OPERATIONS)] * _CELL_EDGES:
        return table
    rows_of_key: dict[str, list[int]] = {}
    for row, way in enumerate(map(tuple, table.codes.tolist())):
        rows_of_key.setdefault(cell_key(way), []).append(row)
    sizes = table.costs if table.parameters is None else table.parameters
    groups = [sizes[rows] for rows in rows_of_key.values() if len(rows) > 1]
    apart = [float(np.ptp(group) / np.mean(group)) for group in groups]
    cells = bool(apart) and float(np.median(apart)) <= _EQUAL_WITHIN
    return replace(table, equal=cell_key) if cells else table
