"""Names and option fields of the .tflite format.

Source: tensorflow/lite/schema/schema.fbs of TensorFlow 2.18 (Apache-2.0). A test compares every name and field with
the generated classes of the `tflite` package.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


OP_KINDS: tuple[str, ...] = _words(
    """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
    FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION
    LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH
    CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
    BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
    BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
    ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
    TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
    LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD
    RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N
    GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
    NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
    PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE
    HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
    ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
    DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
    UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE
    STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE
    STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE
    STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM
    STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT
    STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE
    STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW
    STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR
    REDUCE_WINDOW STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT
    """
)
"""Kinds of operation, by their number in the file (BuiltinOperator)."""

DTYPES: tuple[str, ...] = _words(
    """
    float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 resource variant
    uint32 uint16 int4 bfloat16
    """
)
"""Types of an element, by their number in the file (TensorType)."""

ACTIVATIONS: tuple[str, ...] = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
PADDINGS: tuple[str, ...] = ("SAME", "VALID")

_OPTIONS: Mapping[int, str] = {
    1: "padding:p stride_w stride_h fused_activation_function:a dilation_w_factor=1 dilation_h_factor=1 "
    "quantized_bias_type:e",
    2: "padding:p stride_w stride_h depth_multiplier fused_activation_function:a dilation_w_factor=1 "
    "dilation_h_factor=1",
    5: "padding:p stride_w stride_h filter_width filter_height fused_activation_function:a",
    6: "rank fused_activation_function:a asymmetric_quantize_inputs:b",
    7: "fused_activation_function:a asymmetric_quantize_inputs:b",
    8: "fused_activation_function:a weights_format:e keep_num_dims:b asymmetric_quantize_inputs:b "
    "quantized_bias_type:e",
    9: "beta:f",
    10: "axis fused_activation_function:a",
    11: "fused_activation_function:a pot_scale_int16:b=1",
    12: "fused_activation_function:a",
    13: "radius bias:f alpha:f beta:f",
    14: "fused_activation_function:a cell_clip:f proj_clip:f kernel_type:e asymmetric_quantize_inputs:b",
    15: "- - align_corners:b half_pixel_centers:b",
    16: "subgraph",
    17: "new_shape:v",
    19: "block_size",
    21: "fused_activation_function:a",
    23: "axis batch_dims",
    27: "keep_dims:b",
    28: "fused_activation_function:a pot_scale_int16:b=1",
    29: "fused_activation_function:a",
    30: "squeeze_dims:v",
    31: "time_major:b fused_activation_function:a asymmetric_quantize_inputs:b",
    32: "begin_mask end_mask ellipsis_mask new_axis_mask shrink_axis_mask offset:b",
    35: "num_splits",
    37: "in_data_type:e out_data_type:e",
    40: "output_type:e",
    49: "padding:p stride_w stride_h fused_activation_function:a quantized_bias_type:e",
    55: "out_type:e",
    57: "output_type:e",
    58: "min:f max:f num_bits narrow_range:b",
    59: "values_count axis",
    61: "axis",
    64: "num axis",
    69: "fused_activation_function:a cell_clip:f proj_clip:f merge_outputs:b time_major:b=1 "
    "asymmetric_quantize_inputs:b",
    70: "time_major:b fused_activation_function:a merge_outputs:b asymmetric_quantize_inputs:b",
    71: "fused_activation_function:a cell_clip:f proj_clip:f time_major:b asymmetric_quantize_inputs:b "
    "diagonal_recurrent_tensors:b",
    74: "align_corners:b half_pixel_centers:b",
    75: "alpha:f",
    77: "mode:e",
    79: "num_splits",
    87: "seq_dim batch_dim",
    92: "then_subgraph_index else_subgraph_index",
    93: "cond_subgraph_index body_subgraph_index",
    94: "block_size",
    101: "adj_x:b adj_y:b asymmetric_quantize_inputs:b",
    102: "exclusive:b reverse:b",
    103: "init_subgraph_index",
    106: "padding:p stride_d stride_w stride_h fused_activation_function:a dilation_d_factor=1 dilation_w_factor=1 "
    "dilation_h_factor=1",
    116: "approximate:b",
}
"""Fields of each options table in slot order, by its number in the union BuiltinOptions.

A letter after the colon: p padding, a activation, b truth value, f float, v list of numbers, e small number;
none: int32.
A bare - stands for a slot that is no longer used. Tables whose fields no rule reads are left out.
"""


class OptionField(NamedTuple):
    """One field of an options table."""

    slot: int
    name: str
    code: str
    default: int


@cache
def option_fields(union_type: int) -> tuple[OptionField, ...]:
    """Return the fields of an options table; empty where none are known."""
    return tuple(_field(slot, word) for slot, word in enumerate(_OPTIONS.get(union_type, "").split()) if word != "-")


def _field(slot: int, word: str) -> OptionField:
    declared, _, default = word.partition("=")
    name, _, code = declared.partition(":")
    return OptionField(slot, name, code or "i", int(default or 0))


def known_option_tables() -> tuple[int, ...]:
    """Return the numbers of the options tables whose fields are known."""
    return tuple(_OPTIONS)
