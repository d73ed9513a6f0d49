"""A .tflite file becomes a Graph. The file may be damaged or hostile: the answer is then one clear exception."""

from __future__ import annotations

from pathlib import Path

from edgetpu.errors import BadModel
from edgetpu.flatbuffer import FlatFile, FlatTable
from edgetpu.graph import Graph, Op, Quantization, Tensor
from edgetpu.schema import ACTIVATIONS, DTYPES, OP_KINDS, PADDINGS, option_fields

IDENTIFIER = b"TFL3"
MAX_MODEL_BYTES = 256 * 2**20
"""Larger files are refused unread: 32 times the chip's memory is no model for it."""
_MAX_RANK = 8

OptionValue = int | float | bool | str | tuple[int, ...]


def read_graph(source: Path | bytes) -> Graph:
    """Return the network in a .tflite file; of several subgraphs the first, which is the one that runs.

    A batch that is free in the file but stored as 1 counts as 1, as the interpreter runs it.

    Args:
        source: the file's path, or its bytes.

    Raises:
        BadModel: if the file is missing, too large, damaged, or no .tflite file.
    """
    content = source if isinstance(source, bytes) else read_model_bytes(source)
    file = FlatFile(content)
    if file.identifier != IDENTIFIER:
        raise BadModel("This is not a TensorFlow Lite model: its first bytes are not those of a .tflite file.")
    return _graph(file.root())


def read_model_bytes(path: Path) -> bytes:
    """Return the content of a model file.

    Raises:
        BadModel: if it cannot be read or is larger than MAX_MODEL_BYTES.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_MODEL_BYTES + 1)
    except OSError as error:
        raise BadModel(f"The model file {path.name} cannot be read: {error.strerror or error}.") from error
    if len(content) > MAX_MODEL_BYTES:
        raise BadModel(f"The model file {path.name} is larger than {MAX_MODEL_BYTES // 2**20} MiB, the most we read.")
    return content


def _graph(model: FlatTable) -> Graph:
    subgraphs = model.tables(2)
    if not subgraphs:
        raise BadModel("The file holds no network.")
    main = subgraphs[0]
    tensors = _tensors(main, model.tables(4))
    codes = tuple(_operator_code(code) for code in model.tables(1))
    ops = tuple(_op(table, codes, tensors) for table in main.tables(3))
    inputs = _positions(main.integers(1), len(tensors), optional=False)
    outputs = _positions(main.integers(2), len(tensors), optional=False)
    return Graph(tensors, ops, inputs, outputs, name=main.text(4) or model.text(3))


def _tensors(subgraph: FlatTable, buffers: tuple[FlatTable, ...]) -> tuple[Tensor, ...]:
    contents: dict[int, bytes] = {}
    return tuple(_tensor(table, buffers, contents) for table in subgraph.tables(0))


def _tensor(table: FlatTable, buffers: tuple[FlatTable, ...], contents: dict[int, bytes]) -> Tensor:
    buffer = table.integer(2, "I")
    if buffer >= max(len(buffers), 1):
        raise BadModel("The file is damaged: a tensor's values are in a place that does not exist.")
    if buffer and buffer not in contents:
        contents[buffer] = bytes(buffers[buffer].octets(0))
    content = contents.get(buffer, b"")
    return Tensor(
        name=table.text(3),
        shape=_shape(table),
        dtype=_name_of(DTYPES, table.integer(1, "b"), "type of tensor"),
        quantization=_quantization(table.table(4)),
        constant=bool(content),
        data=content or None,
    )


def _shape(table: FlatTable) -> tuple[int, ...]:
    stored, signature = table.integers(0), table.integers(7)
    if len(stored) > _MAX_RANK or any(length < -1 for length in stored):
        raise BadModel("The file is damaged: a tensor has an impossible shape.")
    if len(signature) != len(stored):
        return stored
    return tuple(
        -1 if free == -1 and not (axis == 0 and length == 1) else length
        for axis, (length, free) in enumerate(zip(stored, signature, strict=True))
    )


def _quantization(table: FlatTable | None) -> Quantization | None:
    if table is None:
        return None
    scales, zero_points = table.reals(2), table.integers(3, "q")
    if not scales:
        return None
    return Quantization(scales, zero_points or (0,) * len(scales), table.integer(6))


def _operator_code(table: FlatTable) -> tuple[str, str, int]:
    """Return an operation's kind, custom name and version."""
    number = max(table.integer(0, "b"), table.integer(3))
    return _name_of(OP_KINDS, number, "operation"), table.text(1), table.integer(2, default=1)


def _name_of(names: tuple[str, ...], number: int, what: str) -> str:
    if not 0 <= number < len(names):
        raise BadModel(f"The file has an unknown {what} (number {number}): it is damaged, or newer than we know.")
    return names[number]


def _op(table: FlatTable, codes: tuple[tuple[str, str, int], ...], tensors: tuple[Tensor, ...]) -> Op:
    number = table.integer(0, "I")
    if number >= len(codes):
        raise BadModel("The file is damaged: an operation is of a kind that it does not declare.")
    kind, custom_code, version = codes[number]
    outputs = _positions(table.integers(2), len(tensors), optional=False)
    return Op(
        kind=kind,
        inputs=_positions(table.integers(1), len(tensors), optional=True),
        outputs=outputs,
        version=version,
        options=_options(table),
        name=tensors[outputs[0]].name if outputs else "",
        custom_code=custom_code,
        custom_options=bytes(table.octets(5)) if kind == "CUSTOM" else b"",
    )


def _positions(numbers: tuple[int, ...], tensors: int, *, optional: bool) -> tuple[int, ...]:
    lowest = -1 if optional else 0
    if any(not lowest <= number < tensors for number in numbers):
        raise BadModel("The file is damaged: an operation reads or writes a tensor that does not exist.")
    return numbers


def _options(table: FlatTable) -> dict[str, OptionValue]:
    fields = option_fields(table.integer(3, "B"))
    options = table.table(4) if fields else None
    if options is None:
        return {}
    return {field.name: _option(options, field.slot, field.code, field.default) for field in fields}


def _option(options: FlatTable, slot: int, code: str, default: int) -> OptionValue:
    if code == "v":
        return options.integers(slot)
    if code == "f":
        return options.real(slot)
    if code == "b":
        return options.flag(slot, bool(default))
    if code == "i":
        return options.integer(slot, "i", default)
    number = options.integer(slot, "b", default)
    names = {"p": PADDINGS, "a": ACTIVATIONS}.get(code)
    return number if names is None else _name_of(names, number, "option")
