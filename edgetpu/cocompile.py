"""Several networks on one chip: who gets the memory, in which order to compile them, and what swapping would cost.

Networks that are compiled together share one caching token: their parameters stay on the chip side by side, and the
compiler gives out memory in the order in which it is given the files. Networks that were compiled apart push each
other's parameters out whenever one follows the other.

Source: coral.ai/docs/edgetpu/compiler (co-compilation); compiled files with a shared token; log
out_v15_cocompile_cnn_rnn, where the first network takes everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from edgetpu.devices import DeviceProfile
from edgetpu.graph import Graph
from edgetpu.latency import estimate_with_memory
from edgetpu.memory import DEFAULT_CAPACITY_BYTES, MemoryMap, memory_map

_MOST_TRIED = 6
"""Up to so many networks every order is tried (720)."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of several networks on a chip."""

    name: str
    graph: Graph
    runs_per_round: float = 1.0
    """How often it runs for each time the round of all networks is gone through."""


@dataclass(frozen=True, slots=True)
class SharedMember:
    """One network's share of the chip."""

    name: str
    memory: MemoryMap
    ms: float
    """Estimated time of one inference, with its streamed parameters."""
    runs_per_round: float


@dataclass(frozen=True, slots=True)
class SharedChip:
    """Networks compiled together, in one order."""

    members: tuple[SharedMember, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """The networks' names in the order in which to give them to the compiler."""
        return tuple(member.name for member in self.members)

    @property
    def round_ms(self) -> float:
        """Estimated time of one round of all networks."""
        return sum(member.ms * member.runs_per_round for member in self.members)

    @property
    def streamed_bytes(self) -> int:
        """Parameters sent in one run of each."""
        return sum(member.memory.streamed_bytes for member in self.members)


@dataclass(frozen=True, slots=True)
class Advice:
    """How to put several networks on one chip."""

    best: SharedChip
    as_given: SharedChip
    apart_ms: float
    """Estimated time of a round if each is compiled by itself, so that each run loads its parameters anew."""
    swap_ms: tuple[float, ...]
    """For each network, in the order given, what loading its cached parameters costs when another ran before."""

    @property
    def sentence(self) -> str:
        """What to do, and what it saves."""
        if len(self.best.members) == 1:
            (only,) = self.best.members
            return f"{only.name} has the chip to itself: an estimated {only.ms:.2f} ms per inference."
        order = ", ".join(self.best.order)
        saved = self.as_given.round_ms - self.best.round_ms
        apart = self.apart_ms - self.best.round_ms
        first = f"Compile them together in the order {order}: an estimated {self.best.round_ms:.2f} ms per round"
        if saved > 0.005:
            first += f", {saved:.2f} ms less than in the order given"
        if apart >= 0:
            return f"{first}. Compiled apart, swapping parameters would cost {apart:.2f} ms more per round."
        return f"{first}. Compiled apart a round would take {-apart:.2f} ms less, as each keeps all it needs."

    def as_json(self) -> dict[str, Any]:
        """Return the object that `atoll memory --json` prints."""
        return {
            "order": list(self.best.order),
            "round_ms": self.best.round_ms,
            "round_ms_as_given": self.as_given.round_ms,
            "round_ms_apart": self.apart_ms,
            "swap_ms": list(self.swap_ms),
            "origin": "estimated",
            "advice": self.sentence,
            "models": [
                {
                    "name": member.name,
                    "parameter_bytes": member.memory.parameter_bytes,
                    "cached_bytes": member.memory.cached_bytes,
                    "streamed_bytes": member.memory.streamed_bytes,
                    "ms": member.ms,
                    "layers": [layer._asdict() for layer in member.memory.layers if layer.parameter_bytes],
                }
                for member in self.best.members
            ],
            "remaining_bytes": self.best.members[-1].memory.remaining_bytes,
        }


def share_memory(
    members: Sequence[Member], device: DeviceProfile, capacity_bytes: int = DEFAULT_CAPACITY_BYTES
) -> SharedChip:
    """Return how networks compiled together in this order share the chip."""
    left, shared = capacity_bytes, []
    for member in members:
        memory = memory_map(member.graph, left)
        ms = estimate_with_memory(member.graph, device, memory).ms
        shared.append(SharedMember(member.name, memory, ms, member.runs_per_round))
        left = memory.remaining_bytes
    return SharedChip(tuple(shared))


def advise(members: Sequence[Member], device: DeviceProfile, capacity_bytes: int = DEFAULT_CAPACITY_BYTES) -> Advice:
    """Return the best order to compile networks in, and what the alternatives cost.

    Args:
        members: at least one network, in the order one has in mind.
        device: where they run.
        capacity_bytes: on-chip memory for all their parameters together.
    """
    as_given = share_memory(members, device, capacity_bytes)
    if as_given.streamed_bytes:
        tried = (share_memory(order, device, capacity_bytes) for order in _orders(members))
        best = min((as_given, *tried), key=lambda chip: chip.round_ms)
    else:
        best = as_given
    alone = [share_memory([member], device, capacity_bytes).members[0] for member in members]
    swaps = tuple(_loading_ms(one.memory, device) if len(alone) > 1 else 0.0 for one in alone)
    apart = sum((one.ms * one.runs_per_round) + swap for one, swap in zip(alone, swaps, strict=True))
    return Advice(best, as_given, apart, swaps)


def _orders(members: Sequence[Member]) -> Iterable[Sequence[Member]]:
    """Return the orders worth trying: all of a few; of many, those that begin with what gains most per byte."""
    if len(members) <= _MOST_TRIED:
        return permutations(members)
    by_bytes = sorted(members, key=lambda one: memory_map(one.graph).parameter_bytes)
    return [by_bytes, sorted(by_bytes, key=lambda one: -one.runs_per_round)]


def _loading_ms(memory: MemoryMap, device: DeviceProfile) -> float:
    return memory.cached_bytes * device.to_chip_ns / 1e6 + device.floor_ms
