"""Cut a run of operations out of a .tflite file, as a model of its own."""

from __future__ import annotations

from typing import Any

import flatbuffers

from edgetpu.errors import BadModel
from edgetpu.tflite import IDENTIFIER, read_graph


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
    from ai_edge_litert import schema_py_generated as schema  # half a second to import

    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    model.signatureDefs, model.metadata, model.metadataBuffer = None, None, None
    model.subgraphs = model.subgraphs[:1]
    _keep(model, first, last, {index for index, tensor in enumerate(graph.tensors) if tensor.constant})
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


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
