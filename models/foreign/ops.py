"""Which TensorFlow operations a stranger's graph may hold: those that compute; none reads, writes or runs programs.

TensorFlow's operations can read and write files, open sockets and call Python; a graph is a program. So what is not on
the list is refused, by the name of its layer, before anything of the graph is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from models.errors import ForeignRefused


def _words(text: str) -> list[str]:
    return text.split()


COMPUTING = frozenset(
    _words("""
    Abs Add AddN AddV2 All Any ArgMax ArgMin AvgPool BatchMatMulV2 BatchToSpaceND BiasAdd BroadcastTo Cast Ceil
    ClipByValue CombinedNonMaxSuppression Concat ConcatV2 Conv2D Conv2DBackpropInput Cos CropAndResize DepthToSpace
    DepthwiseConv2dNative Div DivNoNan Einsum Elu Equal Erf Exp ExpandDims FakeQuantWithMinMaxArgs
    FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Fill Floor FloorDiv FloorMod FusedBatchNorm
    FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual L2Loss LRN LeakyRelu Less LessEqual
    Log LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max MaxPool MaxPoolV2 Maximum Mean Min Minimum MirrorPad Mul
    Neg NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 NotEqual OneHot OnesLike Pack Pad PadV2 Pow Prod
    RandomStandardNormal RandomUniform
    Range Rank RealDiv Reciprocal Relu Relu6 Reshape ResizeBilinear ResizeNearestNeighbor ReverseV2 Round Rsqrt Select
    SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Size Slice Softmax Softplus Softsign SpaceToBatchND SpaceToDepth Split
    SplitV Sqrt Square SquaredDifference Squeeze StridedSlice Sub Sum Tanh Tile TopKV2 Transpose Unpack Where ZerosLike
    """)
)
PASSING = frozenset(
    _words("""
    Assert CheckNumerics Const EnsureShape Identity IdentityN If NoOp PartitionedCall Placeholder
    PlaceholderWithDefault PreventGradient ReadVariableOp StatefulPartitionedCall StatelessIf StatelessWhile
    StopGradient VarHandleOp VarIsInitializedOp Variable VariableV2 While _Arg _Retval
    """)
)
OF_SAVING = frozenset(
    _words("""
    Assign AssignVariableOp DisableCopyOnRead MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename StaticRegexFullMatch
    StringJoin
    """)
)
"""What TensorFlow itself adds to every SavedModel so that it can be stored and restored; a network never calls it."""
SAVING_FUNCTIONS = ("__inference__traced_save", "__inference__traced_restore")
WHY = {
    **dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), "calls a Python program of its author"),
    **dict.fromkeys(("ReadFile", "MatchingFiles", "ReadVariableFile"), "reads files of the machine that it runs on"),
    **dict.fromkeys(("WriteFile", "PrintV2", "Print", "WriteSummary"), "writes to the machine that it runs on"),
    **dict.fromkeys(("DecodeJpeg", "DecodePng", "DecodeImage"), "decodes picture files, where pixels are needed"),
}
NOT_KNOWN = "is not among those that Atoll lets a stranger's network run"


def refuse_other_ops(graph_def: Any, *, may_save: bool) -> None:
    """Refuse a graph with an operation that does more than compute.

    Args:
        graph_def: a parsed GraphDef.
        may_save: whether the parts that store and restore a SavedModel are expected in it.

    Raises:
        ForeignRefused: naming the operation and its layer.
    """
    for node, in_saving in _nodes(graph_def, may_save):
        if node.op in COMPUTING or node.op in PASSING or (in_saving and node.op in OF_SAVING):
            continue
        if node.op in _functions(graph_def):
            continue
        layer = "".join(char if char.isprintable() else "�" for char in node.name[:100])
        raise ForeignRefused(
            f"The layer “{layer}” {WHY.get(node.op) or 'uses an operation that ' + NOT_KNOWN} ({node.op[:60]}). "
            "Export the network without it: only what turns pixels into answers."
        )


def _nodes(graph_def: Any, may_save: bool) -> Iterator[tuple[Any, bool]]:
    """Yield every node, and whether it stands where TensorFlow stores and restores."""
    for node in graph_def.node:
        yield node, may_save
    for function in graph_def.library.function:
        saving = may_save and function.signature.name.startswith(SAVING_FUNCTIONS)
        for node in function.node_def:
            yield node, saving


def _functions(graph_def: Any) -> set[str]:
    return {function.signature.name for function in graph_def.library.function}
