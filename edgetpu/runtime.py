"""Run a model, in a process of its own: on an attached Edge TPU, or on the CPU with pinned kernels."""

from __future__ import annotations

import json
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgetpu.attached import AttachedDevice, installed_clock, list_devices
from edgetpu.device_errors import explain_device_error
from edgetpu.errors import DeviceLost, RunFailed
from edgetpu.measurement import BitMatch, Measurement, compare_outputs, summarize
from edgetpu.surroundings import plain_environment
from edgetpu.tflite import read_graph

__all__ = [
    "AttachedDevice",
    "BitMatch",
    "CpuRun",
    "Measurement",
    "bit_match",
    "list_devices",
    "measure",
    "run_on_cpu",
    "run_with_kernels",
    "tensors_on_cpu",
]

Kernels = Literal["reference", "optimized"]
RUNS, REST_S = 250, 1.0
"""The measuring protocol: one warm-up, a second of rest, then so many runs of one image."""
_LIBRARY = "libedgetpu.so.1"
_PROGRAM = (sys.executable, "-I", str(Path(__file__).with_name("interpreter_process.py")))
_MEMORY_GIB = 6.0
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class CpuRun:
    """What a model answers on the CPU."""

    outputs: tuple[np.ndarray, ...]
    """One array (images, …) per output of the model."""
    times_ms: tuple[float, ...]
    kernels: Kernels


@dataclass(frozen=True, slots=True)
class _Answer:
    fields: dict[str, Any]
    outputs: tuple[np.ndarray, ...]


class _Died(Exception):
    """The process ended without an answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def run_on_cpu(
    model: Path, images: np.ndarray, *, kernels: Kernels = "reference", timeout_s: float = 600.0
) -> np.ndarray:
    """Return the first output of a model, unscaled integers, for each image.

    Args:
        model: a .tflite file that was not compiled for the chip.
        images: (images, height, width, channels), already in the model's input type.
        kernels: which kernels to pin. The reference ones stop at some models; those then run with the optimized ones.
        timeout_s: how long it may take in all.

    Returns:
        (images, values)

    Raises:
        RunFailed: if the model does not run here.
    """
    outputs = run_with_kernels(model, images, kernels=kernels, timeout_s=timeout_s).outputs
    return outputs[0].reshape(len(images), int(np.prod(outputs[0].shape[1:])))


def run_with_kernels(
    model: Path, images: np.ndarray, *, kernels: Kernels = "reference", timeout_s: float = 600.0
) -> CpuRun:
    """Return all outputs of a model, the time of each image, and the kernels that were used in the end.

    Raises:
        RunFailed: if the model does not run here.
    """
    request = {"kernels": kernels, "warm_up": 0, "rest_s": 0, "runs": 0}
    try:
        answer = _ask(model, images, request, timeout_s)
    except _Died as death:
        if kernels == "reference" and death.status == -signal.SIGABRT:
            return run_with_kernels(model, images, kernels="optimized", timeout_s=timeout_s)
        raise RunFailed(f"The model stopped the interpreter on this machine's CPU. {_manner(death)}") from death
    if "error" in answer.fields:
        raise RunFailed(f"The model does not run on this machine's CPU: {answer.fields['text']}.")
    return CpuRun(answer.outputs, tuple(answer.fields["times_ms"]), kernels)


def tensors_on_cpu(
    model: Path, images: np.ndarray, places: Sequence[int], *, timeout_s: float = 600.0
) -> tuple[np.ndarray, ...]:
    """Return the values (images, …) of tensors inside a model, unscaled integers, computed by the optimized kernels.

    Args:
        model: a .tflite file that was not compiled for the chip.
        images: (images, height, width, channels), already in the model's input type.
        places: positions of the tensors in the model.
        timeout_s: how long it may take in all.

    Raises:
        RunFailed: if the model does not run here.
    """
    request = {"kernels": "optimized", "warm_up": 0, "rest_s": 0, "runs": 0, "tensors": list(places)}
    try:
        answer = _ask(model, images, request, timeout_s)
    except _Died as death:
        raise RunFailed(f"The model stopped the interpreter on this machine's CPU. {_manner(death)}") from death
    if "error" in answer.fields:
        raise RunFailed(f"The model does not run on this machine's CPU: {answer.fields['text']}.")
    return answer.outputs


def measure(
    model: Path,
    image: np.ndarray | None = None,
    *,
    device: AttachedDevice | None = None,
    runs: int = RUNS,
    rest_s: float = REST_S,
    timeout_s: float = 300.0,
    library: str = _LIBRARY,
) -> Measurement:
    """Return how long a compiled model takes on an attached Edge TPU.

    Args:
        model: a compiled .tflite file.
        image: (height, width, channels) in the model's input type; None for random values.
        device: which Edge TPU; None for the first one.
        runs: how many inferences are timed, after one that is not.
        rest_s: seconds of rest after the first.
        timeout_s: when to give up.
        library: the Edge TPU runtime's library.

    Raises:
        DeviceError: the kind says whether it is missing, busy, forbidden or was lost, or its software is missing.
    """
    images = _some_image(model) if image is None else image[None]
    answer = _run_on_tpu(
        model,
        images,
        {"warm_up": 1, "rest_s": rest_s, "runs": runs},
        device=device,
        library=library,
        timeout_s=timeout_s,
    )
    used = device or next(iter(list_devices()), None)
    return summarize(
        answer.fields["times_ms"],
        host=platform.node(),
        link=used.link if used else None,
        clock=installed_clock(),
        software=answer.fields.get("software", ""),
        runtime_version=answer.fields.get("runtime_version", ""),
    )


def bit_match(
    source: Path,
    compiled: Path,
    images: np.ndarray,
    *,
    device: AttachedDevice | None = None,
    timeout_s: float = 600.0,
    library: str = _LIBRARY,
) -> BitMatch:
    """Return how far a model's answers on the Edge TPU differ from those of its source on the CPU.

    Raises:
        RunFailed: if the source does not run on the CPU.
        DeviceError: if the Edge TPU cannot be used.
    """
    on_cpu = run_on_cpu(source, images, timeout_s=timeout_s)
    answer = _run_on_tpu(
        compiled,
        images,
        {"warm_up": 0, "rest_s": 0, "runs": 0},
        device=device,
        library=library,
        timeout_s=timeout_s,
    )
    return compare_outputs(on_cpu, answer.outputs[0].reshape(len(images), -1))


def _run_on_tpu(
    model: Path,
    images: np.ndarray,
    protocol: dict[str, float],
    *,
    device: AttachedDevice | None,
    library: str,
    timeout_s: float,
) -> _Answer:
    request = {"kernels": "edgetpu", "device": device.name if device else "", "library": library, **protocol}
    try:
        answer = _ask(model, images, request, timeout_s, memory_gib=0)
    except _Died as death:
        raise DeviceLost(
            "The Edge TPU stopped answering in the middle of a run. Most often its cable, its port or its power is "
            f"at fault: plug it in again, on another port or a powered hub, and repeat. {_manner(death)}"
        ) from death
    if "error" in answer.fields:
        raise explain_device_error(answer.fields["error"], answer.fields["text"], answer.fields["stage"])
    return answer


def _ask(
    model: Path, images: np.ndarray, request: dict[str, Any], timeout_s: float, *, memory_gib: float = _MEMORY_GIB
) -> _Answer:
    """Run the program on one request and return its answer.

    Raises:
        _Died: if it ended without one, or not in time.
    """
    with tempfile.TemporaryDirectory(prefix="atoll-") as folder:
        files = [Path(folder) / name for name in ("request.json", "images.npy", "outputs.npz")]
        files[0].write_text(json.dumps({**request, "model": str(model.resolve()), "memory_gib": memory_gib}))
        np.save(files[1], np.ascontiguousarray(images), allow_pickle=False)
        try:
            ended = subprocess.run(
                [*_PROGRAM, *map(str, files)],
                capture_output=True,
                timeout=timeout_s + _START_S,
                check=False,
                cwd=folder,
                env=plain_environment(),
            )
        except subprocess.TimeoutExpired as error:
            raise _Died(0, f"no answer within {timeout_s:.0f} seconds") from error
        words = ended.stderr.decode("utf-8", "replace").strip()[-400:]
        if ended.returncode:
            raise _Died(ended.returncode, words)
        answers = ended.stdout.splitlines()
        if not answers:
            raise _Died(0, "no answer")
        return _Answer(json.loads(answers[-1]), _outputs(files[2]))


def _outputs(file: Path) -> tuple[np.ndarray, ...]:
    if not file.exists():
        return ()
    with np.load(file, allow_pickle=False) as arrays:
        return tuple(arrays[name] for name in arrays.files)


def _manner(death: _Died) -> str:
    how = f"It was ended by {signal.Signals(-death.status).name}" if death.status < 0 else "It ended"
    return f"{how}: {str(death).splitlines()[-1]}." if str(death) else f"{how}."


def _some_image(model: Path) -> np.ndarray:
    """Return random values of a model's input type and shape, with a batch of 1."""
    graph = read_graph(model)
    tensor = graph.tensors[graph.inputs[0]]
    values = np.random.default_rng(0).integers(0, 256, tensor.shape, dtype=np.int64)
    return values.astype(tensor.dtype)
