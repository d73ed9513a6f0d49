"""A .tflite file taken apart into its tables and put together again, every constant aligned as the runtime wants it."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetpu.errors import BadModel
from edgetpu.tflite import IDENTIFIER, read_graph

_ALIGNMENT_BYTES = 16
"""Source: `force_align: 16` of Buffer.data in tensorflow/lite/schema/schema.fbs; Python's own packing leaves it out."""


class _AlignedBuffer(schema.BufferT):
    """A buffer whose bytes begin at a multiple of 16."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802 - the generated classes call it so
        content = None if self.data is None else np.asarray(self.data, np.uint8).tobytes()
        place = None
        if content is not None:
            builder.StartVector(1, len(content), _ALIGNMENT_BYTES)
            builder.head = builder.head - len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            place = builder.EndVector()
        schema.BufferStart(builder)
        if place is not None:
            schema.BufferAddData(builder, place)
        return schema.BufferEnd(builder)


def unpack_model(content: bytes) -> Any:
    """Return a model's tables as objects that can be changed (`ModelT` of the generated schema).

    Raises:
        BadModel: if the file is damaged.
    """
    read_graph(content)
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    except Exception as error:  # a damaged flatbuffer raises whatever the bytes lead to
        raise BadModel("The file is damaged: parts of it point outside it.") from error
    for place, buffer in enumerate(model.buffers):
        model.buffers[place] = _aligned(buffer.data)
    return model


def pack_model(model: Any) -> bytes:
    """Return the file of a model; equal models give equal bytes."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def add_buffer(model: Any, content: bytes) -> int:
    """Keep bytes in the model; return the position of their buffer."""
    model.buffers.append(_aligned(np.frombuffer(content, np.uint8)))
    return len(model.buffers) - 1


def _aligned(data: Any) -> _AlignedBuffer:
    buffer = _AlignedBuffer()
    buffer.data = data
    return buffer
