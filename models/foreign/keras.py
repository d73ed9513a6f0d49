"""Open a stranger's Keras model: .keras, or HDF5 as Keras wrote it before."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from models.errors import ForeignRefused
from models.foreign.archive import DAMAGED, MOST_BYTES, names_in
from models.foreign.keras_config import check_config
from models.foreign.model import Foreign, fixed_shape
from models.pixels import PixelRange, stated_in_network

MOST_CONFIG_BYTES = 32 * 2**20
ONLY_WEIGHTS = (
    "This HDF5 file holds weights without the network that they belong to. Save the whole model with "
    "model.save(“model.keras”) and upload that."
)


def open_keras(path: Path, scratch: Path) -> Foreign:
    """Return the network of a .keras file.

    Raises:
        ForeignRefused: naming the layer that is not Keras's own, or saying what is damaged.
    """
    names_in(path)
    try:
        with zipfile.ZipFile(path) as archive, archive.open("config.json") as file:
            config = json.loads(file.read(MOST_CONFIG_BYTES))
        weights = scratch / "look.weights.h5"
        with zipfile.ZipFile(path) as archive:
            weights.write_bytes(archive.read("model.weights.h5"))
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, RecursionError) as error:
        raise ForeignRefused(DAMAGED) from error
    check_config(config)
    _check_h5(weights)
    weights.unlink()
    return _opened(_named(path, scratch / "opened.keras"))


def open_h5(path: Path, scratch: Path) -> Foreign:
    """Return the network of an HDF5 file that holds a whole model.

    Raises:
        ForeignRefused: as `open_keras`.
    """
    _check_h5(path)
    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config")
    if text is None:
        raise ForeignRefused(ONLY_WEIGHTS)
    try:
        check_config(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ForeignRefused("The description of this Keras model is damaged. Save the model again.") from error
    return _opened(_named(path, scratch / "opened.h5"))


def _named(path: Path, named: Path) -> Path:
    """Return the file under a name by whose ending Keras chooses its reader."""
    named.unlink(missing_ok=True)
    named.symlink_to(path.resolve())
    return named


def _check_h5(path: Path) -> None:
    """Refuse an HDF5 file that reaches into other files or would not fit into memory; nothing is unpacked."""
    try:
        with h5py.File(path, "r") as file:
            for name, held_bytes in _held(file, 0):
                if held_bytes > MOST_BYTES:
                    raise ForeignRefused(
                        f"“{name[:80]}” in this file says that it holds {held_bytes / 2**30:,.0f} GiB, as in files "
                        "that are made to fill memory. Save the model again."
                    )
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise ForeignRefused(
            "The weights in this file are damaged, perhaps because a copy stopped half-way. Save the model again."
        ) from error


def _held(group: Any, so_far: int) -> Iterator[tuple[str, int]]:
    """Yield the names of all arrays with the bytes of all arrays up to each."""
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ForeignRefused(f"“{name[:80]}” in this file points to something outside of it. Save the model again.")
        item = group[name]
        if isinstance(item, h5py.Group):
            for inner in _held(item, so_far):
                so_far = inner[1]
                yield inner
        else:
            if item.external or item.is_virtual:
                raise ForeignRefused(f"The array “{name[:80]}” lies in another file. Save the model again.")
            so_far += int(np.prod(item.shape or (1,), dtype=np.float64)) * item.dtype.itemsize
            yield name, so_far


def _opened(path: Path) -> Foreign:
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except ForeignRefused:
        raise
    except Exception as error:  # Keras raises whatever the description led it into
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ForeignRefused(f"Keras {keras.__version__} cannot load this model: {reason[:300]}") from error
    return foreign_of(network)


def foreign_of(network: Any) -> Foreign:
    """Return a Keras network as a function of one picture.

    Raises:
        ForeignRefused: if it does not take one picture of a fixed size.
    """
    if not isinstance(network, keras.Model) or not network.built or len(network.inputs) != 1:
        raise ForeignRefused(
            "This model does not have exactly one input. Atoll takes networks that look at one picture at a time."
        )
    shape, parameters = fixed_shape(network.inputs[0].shape), int(network.count_params())
    network, pixels = _without_rescaling(network)
    dtype = network.inputs[0].dtype
    return Foreign(
        lambda image: keras.tree.flatten(network(keras.ops.cast(image, dtype), training=False)),
        shape,
        [variable._value for variable in network.variables],  # TensorFlow saves its own variables, not Keras's
        pixels,
        parameters,
    )


def _without_rescaling(network: keras.Model) -> tuple[keras.Model, PixelRange | None]:
    """Return the network without its first layer where that only rescales pixels, and what it does to them.

    Left in, it would be a multiplication and an addition over the whole picture on the chip; the scale of an int8 input
    says the same for nothing.
    """
    first = _only_reader(network)
    if not isinstance(first, keras.layers.Rescaling) or np.size(first.scale) != 1 or np.size(first.offset) != 1:
        return network, None

    def replaced(layer: keras.Layer) -> keras.Layer:
        if layer is first:
            return keras.layers.Activation("linear", name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    image = keras.Input(network.inputs[0].shape[1:], dtype="float32")
    bare = keras.models.clone_model(network, input_tensors=image, clone_function=replaced)
    bare.set_weights(network.get_weights())
    return bare, stated_in_network(float(first.scale), float(first.offset))


def _only_reader(network: keras.Model) -> keras.Layer | None:
    """Return the layer that the picture goes into, if it is one alone."""
    if isinstance(network, keras.Sequential):
        return network.layers[0] if network.layers else None
    image = network.inputs[0]
    readers = [
        one
        for one in network.operations
        if any(source is image for node in one._inbound_nodes for source in node.input_tensors)
    ]
    return readers[0] if len(readers) == 1 else None
