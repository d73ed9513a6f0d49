"""What a checkpoint says of its network, without building it: that takes seconds."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from models.errors import NetworkUnreadable

_MOST_BYTES = 16 * 2**20


def classes_in(checkpoint: Path) -> int:
    """Return the number of classes of a classifier made here.

    Raises:
        NetworkUnreadable: if the checkpoint describes none.
    """
    try:
        units = next(int(layer["units"]) for layer in _layers_in(checkpoint) if layer["name"] == "logits")
    except (OSError, ValueError, KeyError, TypeError, StopIteration, zipfile.BadZipFile) as error:
        raise NetworkUnreadable(f"{checkpoint.name} is no checkpoint of a classifier made here.") from error
    if units < 1:
        raise NetworkUnreadable(f"{checkpoint.name} has {units} classes.")
    return units


def image_px_in(checkpoint: Path) -> int:
    """Return the side of the pictures that a network takes.

    Raises:
        NetworkUnreadable: if the checkpoint does not say it.
    """
    try:
        return next(int(layer["batch_shape"][1]) for layer in _layers_in(checkpoint) if "batch_shape" in layer)
    except (OSError, ValueError, KeyError, TypeError, IndexError, StopIteration, zipfile.BadZipFile) as error:
        raise NetworkUnreadable(f"{checkpoint.name} does not say how large its pictures are.") from error


def _layers_in(checkpoint: Path) -> list[dict[str, Any]]:
    """Return the settings of each layer, the first one first."""
    with zipfile.ZipFile(checkpoint) as archive, archive.open("config.json") as file:
        return [layer["config"] for layer in json.loads(file.read(_MOST_BYTES))["config"]["layers"]]
