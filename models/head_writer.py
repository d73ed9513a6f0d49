"""Operations appended to a uint8 .tflite model, each reading what the last one gave.

Scales and versions are those of Coral's own on-device learning. Source: coral/learn/utils.cc and imprinting_engine.cc
of google-coral/libcoral (Apache-2.0).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from models.tflite_file import add_buffer

Reals = NDArray[np.float64]
_UNIT_SCALE, _MIDDLE = 1 / 128, 128
"""Of values within −1 to 1."""


class HeadWriter:
    """Appends operations to the first subgraph of a model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._graph = model.subgraphs[0]

    def normalize(self) -> None:
        """Give the values the length 1."""
        output = self._add_tensor("head/direction", self._last.shape, _UNIT_SCALE, _MIDDLE)
        self._append("L2_NORMALIZATION", schema.L2NormOptionsT(), [output])

    def compare(self, weights: Reals) -> None:
        """Multiply by rows of length 1: a 1×1 convolution that gives cosines."""
        classes, channels = weights.shape
        scale = max(float(np.abs(weights).max()), 1e-9) / 127
        integers = np.clip(np.round(weights / scale) + _MIDDLE, 0, 255).astype(np.uint8)
        kernel = self._add_constant("head/kernel", integers.reshape(classes, 1, 1, channels), scale, _MIDDLE)
        bias = self._add_constant("head/bias", np.zeros(classes, np.int32), scale * self._last_scale, 0)
        options = schema.Conv2DOptionsT()
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        output = self._add_tensor("head/cosine", [1, 1, 1, classes], _UNIT_SCALE, _MIDDLE)
        self._append("CONV_2D", options, [kernel, bias, output])

    def multiply(self, factor: float) -> None:
        """Multiply by one positive number."""
        constant = self._add_constant("head/sharpness", np.array([255], np.uint8), factor / 255, 0)
        output = self._add_tensor("head/logits", self._last.shape, factor * _UNIT_SCALE, _MIDDLE)
        self._append("MUL", schema.MulOptionsT(), [constant, output])

    def flatten(self) -> None:
        """Leave out the height and the width, which are 1."""
        shape = [1, int(self._last.shape[-1])]
        constant = self._add_constant("head/shape", np.array(shape, np.int32))
        options = schema.ReshapeOptionsT()
        options.newShape = shape
        quantization = self._last.quantization
        output = self._add_tensor("head/flat", shape, quantization.scale[0], quantization.zeroPoint[0])
        self._append("RESHAPE", options, [constant, output])

    def connect(self, weights: Reals, biases: Reals, lowest: float, highest: float) -> None:
        """Multiply by weights and add biases; what comes out is expected within `lowest` and `highest`."""
        scale, zero = _affine(float(weights.min()), float(weights.max()))
        integers = np.clip(np.round(weights / scale) + zero, 0, 255).astype(np.uint8)
        kernel = self._add_constant("head/kernel", integers, scale, zero)
        bias_scale = scale * self._last_scale
        bias = self._add_constant("head/bias", np.round(biases / bias_scale).astype(np.int32), bias_scale, 0)
        output = self._add_tensor("head/logits", [1, len(weights)], *_affine(lowest, highest))
        self._append("FULLY_CONNECTED", schema.FullyConnectedOptionsT(), [kernel, bias, output])

    def softmax(self) -> None:
        """Make probabilities of logits."""
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        output = self._add_tensor("probabilities", self._last.shape, 1 / 256, 0)
        self._append("SOFTMAX", options, [output])

    @property
    def _last(self) -> Any:
        return self._graph.tensors[self._graph.outputs[0]]

    @property
    def _last_scale(self) -> float:
        return float(self._last.quantization.scale[0])

    def _append(self, kind: str, options: Any, tensors: list[int]) -> None:
        """Append an operation; the last of the tensors is its output."""
        op = schema.OperatorT()
        op.opcodeIndex = self._code(getattr(schema.BuiltinOperator, kind))
        op.inputs = [int(self._graph.outputs[0]), *tensors[:-1]]
        op.outputs = tensors[-1:]
        op.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        op.builtinOptions = options
        self._graph.operators.append(op)
        self._graph.outputs = op.outputs
        for signature in self._model.signatureDefs or []:
            for end in signature.outputs or []:
                end.tensorIndex = op.outputs[0]

    def _code(self, number: int) -> int:
        """Return the position of an operation's kind in its first version, which is the one for uint8."""
        for place, code in enumerate(self._model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number and code.version == 1:
                return place
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1

    def _add_constant(self, name: str, values: NDArray[Any], scale: float = 0.0, zero: int = 0) -> int:
        place = self._add_tensor(name, list(values.shape), scale, zero)
        tensor = self._graph.tensors[place]
        tensor.buffer = add_buffer(self._model, values.tobytes())
        tensor.type = schema.TensorType.UINT8 if values.dtype == np.uint8 else schema.TensorType.INT32
        return place

    def _add_tensor(self, name: str, shape: Any, scale: float, zero: int) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, [int(length) for length in shape], schema.TensorType.UINT8
        tensor.buffer = 0  # by convention the empty one: it is computed, not kept
        if scale:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [float(scale)], [int(zero)]
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1


def _affine(lowest: float, highest: float) -> tuple[float, int]:
    """Return the uint8 scale and zero point that hold a range and zero."""
    lowest, highest = min(lowest, 0.0), max(highest, 0.0, 1e-6)
    scale = (highest - lowest) / 255
    return scale, round(-lowest / scale)
