"""The compiler's refusals as sentences: what happened, the likely cause, what to change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from edgetpu.compile_report import Failure


class _Cause(NamedTuple):
    kind: str
    pattern: re.Pattern[str]
    sentence: str
    """May name groups of the pattern."""


def _cause(kind: str, pattern: str, sentence: str) -> _Cause:
    return _Cause(kind, re.compile(pattern), sentence)


_CAUSES: tuple[_Cause, ...] = (
    _cause(
        "not quantized",
        r"^Model not quantized",
        "The compiler refused the model because it is not quantized: it still computes in floating point. "
        "Convert it with full-integer quantization and a representative dataset.",
    ),
    _cause(
        "operation version",
        r"^ERROR: Didn't find op for builtin opcode '(?P<op>\w+) ?' version '(?P<version>\d+)'",
        "The compiler does not know version {version} of {op}: it is of 2021 and the model was made with a newer "
        "TensorFlow. Replace the option that asks for the newer version, or convert with an older converter.",
    ),
    _cause(
        "unknown operation",
        r"^ERROR: Op builtin_code out of range: (?P<op>\d+)",
        "The model has an operation (number {op}) that is newer than the compiler. Replace it with one of the "
        "operations that the chip runs.",
    ),
    _cause(
        "custom operation",
        r"^ERROR: Encountered unresolved custom op: (?P<op>\w+)",
        "The compiler cannot load the model because of its custom operation {op}. Remove it from the network, and do "
        "its work after the inference.",
    ),
    _cause(
        "select operation",
        r"^ERROR: Regular TensorFlow ops are not supported",
        "The compiler cannot load the model because some of its operations are TensorFlow's, not TensorFlow Lite's. "
        "Replace them, and convert without SELECT_TF_OPS.",
    ),
    _cause(
        "dynamic shape",
        r"dynamic-sized tensors",
        "The compiler refused the model because the size of some tensor is not fixed. Export it with a batch of 1 and "
        "a fixed input size.",
    ),
    _cause(
        "large activations",
        r"due to large activation tensors",
        "The compiler refused the model because its activations do not fit into the chip's memory. Use a smaller input "
        "picture, or fewer channels in the first layers.",
    ),
    _cause(
        "does not run",
        r"^Compilation failed: Model failed in Tflite interpreter",
        "The compiler could not run the model in its own TensorFlow Lite. Check that it runs on a CPU, and that no "
        "operation is newer than 2021.",
    ),
    _cause(
        "internal error",
        r"^Internal compiler error\. Aborting!",
        "The compiler broke down without saying why. It is known to do so for scales that are 0, for very large "
        "activations, and sometimes for no reason. Try again; if it persists, leave out layers until it compiles.",
    ),
    _cause(
        "crash",
        r"^libc\+\+abi: terminating|Segmentation fault|: line \d+: +\d+ (Aborted|Killed)",
        "The compiler crashed on the model. Try again, and with the delegate search; if it persists, leave out layers "
        "until it compiles.",
    ),
    _cause(
        "invalid model",
        r"^Invalid model: (?P<model>.+)",
        "The compiler does not accept {model} as a model. Check that it is a .tflite file that runs on a CPU.",
    ),
    _cause(
        "node failed",
        r"^ERROR: .*Node number (?P<node>\d+) \((?P<op>\w+)\) failed",
        "The compiler's TensorFlow Lite could not prepare operation {node} ({op}). Check its shapes and its version.",
    ),
)

_UNKNOWN = (
    "The compiler refused the model without a cause that we know. Its words are kept with this report; most often the "
    "time limit was too short, or an activation too large."
)
_NO_CAUSE = (
    "The compiler gave up without a cause. It is known to do so for recurrent layers and for operations that it does "
    "not take: leave out layers until it compiles, or try the delegate search."
)
_LONG_TIMER_S = 120
_SHORT_TIMER = (
    "The compiler gave up within its time limit of {timer} seconds without a cause. Most often the limit is too short: "
    "allow 180 seconds or more."
)


BREAKDOWNS = frozenset(("internal error", "crash", "gave up"))
"""Kinds of failure that do not say what in the model is at fault."""


def explain(lines: Sequence[str], timer_s: int | None = None) -> Failure:
    """Return the failure that a compiler's error lines tell of.

    The first known cause in the order above counts, because later lines often only repeat that something failed.
    """
    for cause in _CAUSES:
        for line in lines:
            found = cause.pattern.search(line)
            if found is not None:
                return Failure(cause.kind, cause.sentence.format(**found.groupdict()), "\n".join(lines))
    if timer_s is not None and not lines:
        sentence = _NO_CAUSE if timer_s >= _LONG_TIMER_S else _SHORT_TIMER.format(timer=timer_s)
        return Failure("gave up", sentence, "Compilation failed!")
    return Failure("unknown", _UNKNOWN, "\n".join(lines))
