"""Whether published files, read into networks that can be trained, still answer like the files.

    .venv/bin/python benchmarks/models_pretrained.py

Every file is shown the pictures of ../shared/data/images, resized bilinearly. The file runs in LiteRT as it is; the
cosine compares the real values of its 8-bit logits with the network's. Its peer is the file itself.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from edgetpu.tflite import read_graph
from models.errors import ModelError
from models.pretrained import load_network, load_parent

SHARED = Path(os.environ.get("ATOLL_SHARED_DIR", Path(__file__).resolve().parents[2] / "shared")) / "data"
FOLDERS = (SHARED / "pretrained", SHARED / "edgetpu" / "compiled" / "source")
Logits = Callable[[np.ndarray], np.ndarray]


def logits_of_file(path: Path) -> tuple[Logits, float]:
    """Return what gives the file's logits as real values, and one 8-bit step of them."""
    graph = read_graph(path)
    position = next(op.inputs[0] for op in graph.ops if op.kind == "SOFTMAX")
    quantization = graph.tensors[position].quantization
    if quantization is None:
        raise SystemExit(f"{path.name} is not quantized.")
    runner = Interpreter(str(path), experimental_preserve_all_tensors=True, num_threads=1)
    runner.allocate_tensors()
    scale, zero = quantization.scales[0], quantization.zero_points[0]

    def answer(picture: np.ndarray) -> np.ndarray:
        runner.set_tensor(runner.get_input_details()[0]["index"], picture[None])
        runner.invoke()
        real: np.ndarray = (runner.get_tensor(position).astype(np.float64).ravel() - zero) * scale
        return real

    return answer, scale


def logits_of_network(network: keras.Model) -> Logits:
    """Return what gives a network's logits."""
    softmax = next(layer for layer in network.layers if isinstance(layer, keras.layers.Softmax))
    logits = keras.Model(network.input, softmax.input)
    return lambda picture: np.asarray(logits((picture[None].astype(np.float32) - 127) / 128), np.float64).ravel()


def family_of(path: Path) -> str:
    """Return the family that a file is matched to, or that it is read as it is."""
    try:
        return load_parent(path).architecture.family
    except ModelError:
        return "as in the file"


def row(path: Path) -> str:
    """Return a row of the table for one file."""
    started = time.process_time()
    network = load_network(path)
    seconds = time.process_time() - started
    ours, (theirs, step) = logits_of_network(network), logits_of_file(path)
    images = sorted(each for each in (SHARED / "images").rglob("*") if each.suffix in (".bmp", ".jpg"))
    side = network.input_shape[1]
    same, nearly, cosines = 0, 0, []
    for each in images:
        picture = np.asarray(Image.open(each).convert("RGB").resize((side, side), Image.Resampling.BILINEAR))
        one, other = ours(picture), theirs(picture)
        same += int(one.argmax() == other.argmax())
        nearly += int(other[one.argmax()] > other.max() - 1.5 * step)
        cosines.append(float(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
    return (
        f"| {path.name} | {family_of(path)} | {same} of {len(images)} | {nearly} of {len(images)} "
        f"| {np.mean(cosines):.4f} | {min(cosines):.4f} | {seconds:.1f} |"
    )


def main() -> None:
    """Print the table."""
    print(
        "| file | read as | same top-1 | top-1 within one 8-bit step | cosine, mean | cosine, worst | CPU s to read |"
    )
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for path in sorted(each for folder in FOLDERS for each in folder.glob("mobilenet_v*.tflite")):
        if "embedding" not in path.name:
            print(row(path), flush=True)
    print(row(FOLDERS[0] / "tf2_mobilenet_v2_1.0_224_ptq.tflite"))


if __name__ == "__main__":
    main()
