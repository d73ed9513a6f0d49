"""Damage to files, and the whole way that a file of a user goes."""

from __future__ import annotations

import random
import struct

from edgetpu.checks import check_alone
from edgetpu.compiled_file import is_compiled, read_compiled
from edgetpu.errors import BadModel
from edgetpu.latency import estimate
from edgetpu.memory import memory_map
from edgetpu.rules import map_ops
from edgetpu.tflite import read_graph
from edgetpu.weights import placements

_HEAD_BYTES = 4096


def mutated(content: bytes, seed: int) -> bytes:
    """Return a file with some damage: flipped bits, changed numbers, pieces cut out or copied."""
    rng = random.Random(seed)
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place = _place(rng, len(damaged))
        kind = rng.randrange(5)
        if kind == 0:
            damaged[place] ^= 1 << rng.randrange(8)
        elif kind == 1 and place + 4 <= len(damaged):
            number = rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, len(damaged), rng.randrange(2**32)))
            struct.pack_into("<I", damaged, place, number)
        elif kind == 2:
            del damaged[place : place + rng.choice((1, 4, 64))]
        elif kind == 3:
            source = _place(rng, len(damaged))
            damaged[place : place + 32] = damaged[source : source + 32]
        else:
            damaged[place] = rng.randrange(256)
    return bytes(damaged)


def look_at(content: bytes, *, must_be_whole: bool = False) -> None:
    """Read a file and ask everything about it; only BadModel may come of it."""
    try:
        graph = read_graph(content)
        map_ops(graph)
        estimate(graph, "usb3")
        memory_map(graph, 100_000)
        if is_compiled(graph):
            compiled = read_compiled(graph)
            check_alone(compiled)
            placements(compiled, graph)
    except BadModel:
        if must_be_whole:
            raise


def _place(rng: random.Random, length: int) -> int:
    """Return a position; most are in the head or the tail, where structure is."""
    where = rng.random()
    if where < 0.3:
        return rng.randrange(min(_HEAD_BYTES, length))
    if where < 0.8:
        return length - 1 - rng.randrange(min(16 * _HEAD_BYTES, length))
    return rng.randrange(length)
