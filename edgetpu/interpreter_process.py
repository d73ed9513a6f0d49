"""The program that really runs a model, in a process of its own; started by `runtime`, never imported by it.

Interpreters and drivers abort the process on some models and on an unplugged device, and a hostile model may eat
memory: nothing of that may reach the caller. It stands alone: it is started with an isolated path, and must also run
under Python 3.7 with pycoral on a Dev Board.

Reads a request (JSON) from the file named first, images from the .npy file named second; writes outputs to the .npz
file named third, and an answer (JSON) to standard output: {"times_ms": [...], ...} or {"error": kind, "text": ...}.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

_GIB = 2**30


def main(arguments: list[str]) -> int:
    """Run one request; the exit status is 0 also where the answer is an error."""
    with open(arguments[0]) as file:
        request = json.load(file)
    _limit(request)
    try:
        answer = _serve(request, arguments[1], arguments[2])
    except Exception as error:  # it is the caller who knows what it means
        answer = {"error": type(error).__name__, "text": str(error), "stage": _Stage.now}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


class _Stage:
    """How far the request got: an error while opening means something else than one while running."""

    now = "import"


def _limit(request: dict[str, Any]) -> None:
    try:
        import resource
    except ImportError:
        return
    memory = int(request["memory_gib"] * _GIB)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _serve(request: dict[str, Any], images_file: str, outputs_file: str) -> dict[str, Any]:
    import numpy as np

    open_interpreter, details = _opener(request)
    _Stage.now = "open"
    interpreter = open_interpreter(request["model"])
    interpreter.allocate_tensors()
    _Stage.now = "input"
    images = np.load(images_file, mmap_mode="r", allow_pickle=False)
    entry = interpreter.get_input_details()[0]
    if images.shape[1:] != tuple(entry["shape"][1:]) or images.dtype != entry["dtype"]:
        wanted = "×".join(str(length) for length in entry["shape"][1:])
        given = "×".join(str(length) for length in images.shape[1:])
        raise ValueError(f"it takes {wanted} of {np.dtype(entry['dtype']).name}, not {given} of {images.dtype.name}")
    _Stage.now = "run"
    outputs, times = _run_all(interpreter, entry["index"], images, request)
    by_output = zip(*outputs) if outputs else []  # noqa: B905 - Python 3.7 has no strict
    stacked = [np.stack(one) for one in by_output] or [_nothing(np, one) for one in interpreter.get_output_details()]
    np.savez(outputs_file, *stacked)
    return dict(details, times_ms=times)


def _nothing(np: Any, details: dict[str, Any]) -> Any:
    """Return the output of no images."""
    return np.empty((0, *details["shape"][1:]), details["dtype"])


def _run_all(interpreter: Any, position: int, images: Any, request: dict[str, Any]) -> tuple[list[Any], list[float]]:
    """Run the images in turn after the warm-up; return their outputs and the times in milliseconds."""
    places = request.get("tensors") or [one["index"] for one in interpreter.get_output_details()]
    for number in range(request["warm_up"]):
        interpreter.set_tensor(position, images[number % len(images)][None])
        interpreter.invoke()
    time.sleep(request["rest_s"] if request["warm_up"] else 0)
    outputs, times = [], []
    for number in range(request["runs"] or len(images)):
        interpreter.set_tensor(position, images[number % len(images)][None])
        begin = time.perf_counter()
        interpreter.invoke()
        times.append((time.perf_counter() - begin) * 1000)
        if number < len(images):
            outputs.append([interpreter.get_tensor(place)[0].copy() for place in places])
    return outputs, times


def _opener(request: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """Return a function that opens a model, and what is known of the software that it uses."""
    if request["kernels"] == "edgetpu":
        return _edgetpu_opener(request)
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = {
        "reference": OpResolverType.BUILTIN_REF,
        "optimized": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    }[request["kernels"]]
    inner = bool(request.get("tensors"))  # else the memory of inner tensors is used again while the model runs

    def open_model(model: str) -> Any:
        return Interpreter(
            model, experimental_op_resolver_type=resolver, num_threads=1, experimental_preserve_all_tensors=inner
        )

    return open_model, {}


def _edgetpu_opener(request: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    device, library = request["device"], request["library"]
    try:
        from pycoral.utils import edgetpu  # Google's; another package of this name has no such module

        details = {"software": "pycoral", "runtime_version": edgetpu.get_runtime_version()}
        return lambda model: edgetpu.make_interpreter(model, device=device or None), details
    except ImportError:
        pass
    try:
        from ai_edge_litert.interpreter import Interpreter, load_delegate
    except ImportError:
        from tflite_runtime.interpreter import (  # type: ignore[import-not-found]
            Interpreter,
            load_delegate,
        )
    options = {"device": device} if device else {}
    _Stage.now = "delegate"
    delegate = load_delegate(library, options)
    details = {"software": "LiteRT", "runtime_version": _library_version(library)}
    return lambda model: Interpreter(model, experimental_delegates=[delegate]), details


def _library_version(library: str) -> str:
    import ctypes

    try:
        ask = ctypes.CDLL(library).edgetpu_version
    except (OSError, AttributeError):
        return ""
    ask.restype = ctypes.c_char_p
    return (ask() or b"").decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
