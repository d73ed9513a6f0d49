"""Cut a run of operations out of a .tflite file, as a model of its own."""

from __future__ import annotations

from typing import Any

import flatbuffers

from edgetpu.errors import BadModel
from edgetpu.flatbuffer import FlatFile
from edgetpu.tflite import IDENTIFIER, read_graph

_MOST_EXTRAS = 64
"""Entries of metadata and signatures that an ordinary file may have."""


def cut_out(content: bytes, first: int, last: int) -> bytes:
    """Return a model of the operations from `first` up to, not including, `last`.

    What they read from outside becomes its inputs, what is read outside becomes its outputs.

    Args:
        content: a .tflite file.
        first: position of the first operation.
        last: position after the last operation.

    Raises:
        BadModel: if the file is damaged, or has no such operations.
    """
    graph = read_graph(content)
    if not 0 <= first < last <= len(graph.ops):
        raise BadModel(f"The model has {len(graph.ops)} operations; {first} to {last} is no part of it.")
    _refuse_unusual(content)
    from ai_edge_litert import schema_py_generated as schema  # half a second to import

    try:
        model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    except Exception as error:  # it has no verifier, and fails on damage in whatever way it happens to
        raise BadModel("The model file is damaged: it cannot be taken apart.") from error
    model.signatureDefs, model.metadata, model.metadataBuffer = None, None, None
    _keep(model, first, last, {index for index, tensor in enumerate(graph.tensors) if tensor.constant})
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _refuse_unusual(content: bytes) -> None:
    """Refuse what the generated reader, which trusts its file, could be kept busy with."""
    model = FlatFile(content).root()
    lists = (model.count(5), model.count(6), model.count(7))
    if model.count(2) != 1 or max(lists) > _MOST_EXTRAS:
        raise BadModel("Only models of one plain network can be taken apart.")
    if any(tensor.has(6) for tensor in model.tables(2)[0].tables(0)):
        raise BadModel("Models with sparse tensors cannot be taken apart.")
    for signature in model.tables(7):
        if max(signature.count(0), signature.count(1)) > _MOST_EXTRAS:
            raise BadModel("Only models of one plain network can be taken apart.")


def _keep(model: Any, first: int, last: int, constants: set[int]) -> None:
    main = model.subgraphs[0]
    inside, outside = main.operators[first:last], [*main.operators[:first], *main.operators[last:]]
    written = {int(index) for op in inside for index in op.outputs}
    read = {int(index) for op in inside for index in op.inputs if index >= 0}
    wanted = {int(index) for op in outside for index in op.inputs} | {int(index) for index in main.outputs}
    order = sorted(written | read)
    place = {index: position for position, index in enumerate(order)} | {-1: -1}
    main.inputs = [place[index] for index in sorted(read - written - constants)]
    main.outputs = [place[index] for index in sorted(written) if index in wanted or index not in read]
    for op in inside:
        op.inputs = [place[int(index)] for index in op.inputs]
        op.outputs = [place[int(index)] for index in op.outputs]
    main.operators = inside
    main.tensors = [main.tensors[index] for index in order]
    used = {tensor.buffer for tensor in main.tensors}
    for number, buffer in enumerate(model.buffers):
        if number not in used:
            buffer.data = None
