"""The chip's program as values: what libedgetpu reads out of a compiled model.

Source: executable/executable.fbs of google-coral/libedgetpu (Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from math import prod

from edgetpu.errors import BadModel
from edgetpu.flatbuffer import FlatFile, FlatTable

IDENTIFIER = b"DWN1"
_LAYER_DTYPES = ("uint8", "uint16", "int32", "bfloat16", "float16", "float32", "", "", "int8", "int16")
_MAX_EXECUTABLES = 64


class ExecutableKind(IntEnum):
    """What an executable is for."""

    STAND_ALONE = 0
    PARAMETER_CACHING = 1
    EXECUTION_ONLY = 2


class Region(IntEnum):
    """What a transfer or an address of the program is about."""

    OUTPUT = 0
    INPUT = 1
    PARAMETER = 2
    SCRATCH = 3


@dataclass(frozen=True, slots=True)
class Relocation:
    """A place in an instruction bitstream where the host writes an address before it is sent."""

    region: int
    name: str
    bit: int
    upper: bool


@dataclass(frozen=True, slots=True)
class Bitstream:
    """Instructions, sent to the chip anew at every inference."""

    length_bytes: int
    relocations: tuple[Relocation, ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer between host and chip, once per inference."""

    region: int
    name: str
    offset_bytes: int
    length_bytes: int
    outward: bool
    """From the chip to the host."""


@dataclass(frozen=True, slots=True)
class ChipLayer:
    """An input or output of the chip's program."""

    name: str
    length_bytes: int
    shape: tuple[int, ...]
    """(height, width, channels) as the program states them: y, x, z."""
    dtype: str
    zero_point: int
    scale: float

    @property
    def elements(self) -> int:
        """Number of values."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Executable:
    """One program for the chip."""

    kind: ExecutableKind
    name: str
    chip: str
    version: int
    batch: int
    token: int
    scratch_bytes: int
    parameters: bytes = field(repr=False)
    bitstreams: tuple[Bitstream, ...]
    transfers: tuple[Transfer, ...]
    instruction_hints: tuple[int, ...]
    """Numbers of the bitstreams, in the order in which they are sent."""
    inputs: tuple[ChipLayer, ...]
    outputs: tuple[ChipLayer, ...]
    narrow_memory_bytes_per_tile: int
    estimated_cycles: int
    """The compiler's own count; 0 after May 2021."""
    parameters_in_dram: bool

    @property
    def parameter_bytes(self) -> int:
        """Bytes of parameters that this program carries."""
        return len(self.parameters)

    @property
    def instruction_bytes(self) -> int:
        """Bytes of instructions sent per run of this program."""
        return sum(stream.length_bytes for stream in self.bitstreams)

    def transferred_bytes(self, region: Region) -> int:
        """Return the bytes moved per run, in one direction or the other, for one region."""
        return sum(move.length_bytes for move in self.transfers if move.region == region)


@dataclass(frozen=True, slots=True)
class ChipPackage:
    """Everything the compiler put into one custom operation."""

    min_runtime: int
    compiler_version: str
    model_identifier: str
    executables: tuple[Executable, ...]

    def of_kind(self, kind: ExecutableKind) -> Executable | None:
        """Return the first executable of a kind."""
        return next((executable for executable in self.executables if executable.kind == kind), None)


def read_package(content: bytes | memoryview) -> ChipPackage:
    """Return the chip's programs.

    Raises:
        BadModel: if the bytes are damaged or not such a package.
    """
    file = FlatFile(content)
    if file.identifier != IDENTIFIER:
        raise BadModel("The compiled part of this model is not an Edge TPU program.")
    root = file.root()
    multi = FlatFile(root.octets(1)).root()
    serialized = multi.strings(0)
    if not 1 <= len(serialized) <= _MAX_EXECUTABLES:
        raise BadModel("The compiled part of this model holds no program for the chip, or too many.")
    return ChipPackage(
        min_runtime=root.integer(0),
        compiler_version=root.text(4),
        model_identifier=root.text(7),
        executables=tuple(_executable(FlatFile(one).root()) for one in serialized),
    )


def _executable(table: FlatTable) -> Executable:
    kind = table.integer(13, "h")
    if kind not in tuple(ExecutableKind):
        raise BadModel(f"The compiled model has a program of an unknown kind ({kind}).")
    hints = table.table(7)
    transfers, instruction_hints = _hints(hints.tables(0) if hints else ())
    return Executable(
        kind=ExecutableKind(kind),
        name=table.text(1),
        chip=table.text(10),
        version=table.integer(0),
        batch=table.integer(3),
        token=table.integer(14, "Q"),
        scratch_bytes=table.integer(4),
        parameters=bytes(table.octets(6)),
        bitstreams=tuple(_bitstream(stream) for stream in table.tables(5)),
        transfers=transfers,
        instruction_hints=instruction_hints,
        inputs=tuple(_layer(layer) for layer in table.tables(8)),
        outputs=tuple(_layer(layer) for layer in table.tables(9)),
        narrow_memory_bytes_per_tile=table.integer(12),
        estimated_cycles=table.integer(16, "q") or table.integer(11),
        parameters_in_dram=table.flag(15),
    )


def _bitstream(table: FlatTable) -> Bitstream:
    relocations = []
    for place in table.tables(1):
        meta = place.table(0)
        if meta is None:
            raise BadModel("The compiled model is damaged: an address in its program belongs to nothing.")
        relocations.append(
            Relocation(meta.integer(0, "h"), meta.text(2), place.integer(1), upper=meta.integer(3, "h") == 1)
        )
    return Bitstream(len(table.octets(0)), tuple(relocations))


def _hints(tables: tuple[FlatTable, ...]) -> tuple[tuple[Transfer, ...], tuple[int, ...]]:
    transfers, instructions = [], []
    for table in tables:
        kind, hint = table.integer(0, "B"), table.table(1)
        if hint is not None and kind == 1:
            transfers.append(_transfer(hint, outward=table.integer(2, "h") == 1))
        elif hint is not None and kind == 2:
            instructions.append(hint.integer(0))
    return tuple(transfers), tuple(instructions)


def _transfer(hint: FlatTable, *, outward: bool) -> Transfer:
    meta = hint.table(0)
    if meta is None:
        raise BadModel("The compiled model is damaged: a transfer belongs to nothing.")
    return Transfer(meta.integer(0, "h"), meta.text(2), hint.integer(1), hint.integer(2), outward)


def _layer(table: FlatTable) -> ChipLayer:
    numerics, dtype = table.table(5), table.integer(6, "h")
    if numerics is None or not 0 <= dtype < len(_LAYER_DTYPES):
        raise BadModel("The compiled model is damaged: an input or output of its program is not described.")
    return ChipLayer(
        name=table.text(0),
        length_bytes=table.integer(1),
        shape=(table.integer(2), table.integer(3), table.integer(4)),
        dtype=_LAYER_DTYPES[dtype],
        zero_point=numerics.integer(0),
        scale=numerics.real(1),
    )
