"""What the files of an imported model are called; the step keeps these and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

INT8, UINT8 = "model_int8.tflite", "model_uint8.tflite"
COMPILED, COMPILED_UINT8 = "model_edgetpu.tflite", "model_uint8_edgetpu.tflite"
LABELS = "labels.txt"
MADE = frozenset({INT8, UINT8, LABELS})
"""What a job may make."""
ORIGINALS: Mapping[str, str] = MappingProxyType(
    {
        "keras": "original.keras",
        "h5": "original.h5",
        "saved_model": "saved_model.zip",
        "frozen_graph": "frozen_graph.pb",
        "tflite": "model_float.tflite",
    }
)
"""Under which name the uploaded file is kept, by its format; a quantized .tflite takes the place of a made one."""
ORIGINAL_NAMES = frozenset({*ORIGINALS.values(), INT8, UINT8, COMPILED, COMPILED_UINT8})


def write_labels(labels: Sequence[str], out_dir: Path) -> list[str]:
    """Write the labels where there are any; return the names of the files written."""
    if not labels:
        return []
    (out_dir / LABELS).write_text("".join(f"{label}\n" for label in labels), "utf-8")
    return [LABELS]
