"""Is a Keras model made of Keras's own layers alone? Decided from its description, before anything is built of it.

Keras builds whatever classes and functions a description names; some of its own read files or run stored programs. So
only classes are let through that compute, and only those of Keras.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import keras

from models.errors import ForeignRefused

HOMES = (
    keras.layers,
    keras.initializers,
    keras.regularizers,
    keras.constraints,
    keras.dtype_policies,
    keras.models,
)
PROGRAMS = {
    "Lambda": "is a Lambda layer, which holds a piece of its author's program",
    "TFSMLayer": "loads another model from a file",
    "TorchModuleWrapper": "holds a PyTorch module, which is a program",
    "JaxLayer": "holds a JAX function, which is a program",
    "FlaxLayer": "holds a Flax module, which is a program",
    "StringLookup": "looks up words in a file, which no picture needs",
    "IntegerLookup": "looks up numbers in a file, which no picture needs",
    "TextVectorization": "reads text, which no picture needs",
}
KERAS_2_OPS = ("TFOpLambda", "SlicingOpLambda")
VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__", "__tuple__")
OLD_NAMES = ("Functional", "Policy", "FloatDTypePolicy")
UNREAD = ("compile_config", "training_config")
"""Parts that are not built, because the model is loaded without its optimizer."""
INSTEAD = (
    "Atoll runs no programs of strangers. Replace it with layers of Keras, or export the model as a SavedModel "
    "(model.export) and upload that as a ZIP."
)
DEEPEST = 200


def check_config(config: Any) -> None:
    """Refuse a description that names anything but Keras's own classes.

    Raises:
        ForeignRefused: naming the layer.
    """
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise ForeignRefused("The description of this Keras model is damaged. Save the model again.")
    for part, layer in _described(config, "", 0):
        _check(part, layer)


def _described(value: Any, layer: str, depth: int) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield every object that would be built, with the name of the layer that it is of."""
    if depth > DEEPEST:
        raise ForeignRefused("The description of this Keras model is nested too deeply. Save the model again.")
    if isinstance(value, list | tuple):
        for one in value:
            yield from _described(one, layer, depth + 1)
    if not isinstance(value, dict):
        return
    inner = value.get("config")
    if "class_name" in value:
        name = inner.get("name") if isinstance(inner, dict) else None
        layer = name if isinstance(name, str) else layer
        yield value, layer
    for key, one in value.items():
        if key not in UNREAD:
            yield from _described(one, layer, depth + 1)


def _check(part: Mapping[str, Any], layer: str) -> None:
    name, module, registered = part["class_name"], part.get("module"), part.get("registered_name")
    if not isinstance(name, str) or not (module is None or isinstance(module, str)):
        _refuse(layer, "is described by something that is no name")
    if name in VALUES:
        return
    if name == "__lambda__" or name in PROGRAMS:
        _refuse(layer, PROGRAMS.get(name, PROGRAMS["Lambda"]))
    if name in KERAS_2_OPS:
        _refuse(layer, "is an operation that Keras 2 wrote and Keras 3 cannot read")
    if name == "function":
        _refuse(layer, f"uses the function “{_shown(part.get('config'))}”, a piece of its author's program")
    foreign = isinstance(registered, str) and ">" in registered
    if foreign or not _is_of_keras(name, module):
        _refuse(layer, f"is of the class “{_shown(registered if foreign else name)}”, which is not one of Keras")


def _is_of_keras(name: str, module: str | None) -> bool:
    if module is not None and module != "keras" and not module.startswith("keras."):
        return False
    if name in OLD_NAMES:
        return True
    homes = [*HOMES, *_operations(module)]
    return any(isinstance(getattr(home, name, None), type) for home in homes)


def _operations(module: str | None) -> list[Any]:
    """Return the module of Keras's own operations that a description names; loading it runs nothing of a stranger."""
    if module is None or not module.startswith("keras.src.ops."):
        return []
    try:
        return [importlib.import_module(module)]
    except ImportError:
        return []


def _refuse(layer: str, fault: str) -> NoReturn:
    what = f"The layer “{_shown(layer)}”" if layer else "This model"
    raise ForeignRefused(f"{what} {fault}. {INSTEAD}")


def _shown(name: Any) -> str:
    return "".join(char if char.isprintable() else "�" for char in str(name)[:80])
