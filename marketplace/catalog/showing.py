"""From a card to what its page shows: bars, tables, commands. Pure; what a card lacks is left out, never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marketplace.catalog.models import ReleaseFile
from marketplace.catalog.values import items, number, objects, part, text, whole
from marketplace.runs.words import layer_name

PURPOSES = {
    "model_edgetpu.tflite": "For the Edge TPU, int8 pixels in (compiled)",
    "model_uint8_edgetpu.tflite": "For the Edge TPU, uint8 pixels in (compiled)",
    "model_int8.tflite": "For a CPU, or to compile yourself: int8 pixels in",
    "model_uint8.tflite": "For a CPU, or to compile yourself: uint8 pixels in",
    "embedding_extractor.tflite": "To learn new classes on a device: compile it, then pycoral or “atoll learn”",
    "original.keras": "The Keras model as its author brought it",
    "original.h5": "The Keras model as its author brought it",
    "saved_model.zip": "The SavedModel as its author brought it",
    "frozen_graph.pb": "The frozen graph as its author brought it",
    "model_float.tflite": "The float .tflite as its author brought it",
    "labels.txt": "The classes, in the order of the outputs",
    "checkpoint.keras": "The trained network in Keras, to train further",
    "architecture.json": "The architecture, layer block by layer block",
    "card.json": "All facts of this page, for programs",
}
"""The files that a release may have, in the order of the page."""
AS_PUBLISHED = "For a CPU, or to compile yourself: as it was published"
MOST_CONFUSION_CLASSES = 40
CLASSES_AT_FIRST = 20
PLAIN_SCALE = 1 / 128
AS_IT_IS = "the pixel as it is, 0 to 255"


def card_view(card: dict[str, Any]) -> dict[str, Any]:
    """Return what the templates need beyond the card itself."""
    return {
        "card": card,
        "input_forms": input_forms(card),
        "memory_bar": memory_bar(card),
        "confusion": confusion_table(card),
        "class_rows": class_rows(card)[:CLASSES_AT_FIRST],
        "more_class_rows": class_rows(card)[CLASSES_AT_FIRST:],
        "layers": layer_rows(card),
        "lost_points": lost_points(card),
    }


def lost_points(card: dict[str, Any]) -> float | None:
    """Return how many percentage points int8 is below float, where both are known."""
    accuracy = part(card, "accuracy")
    plain, whole_numbers = number(accuracy, "float"), number(accuracy, "int8")
    return None if plain is None or whole_numbers is None else (plain - whole_numbers) * 100


def input_forms(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Return, for each variant, its tensors and how a pixel becomes an input value."""
    inputs, outputs = part(card, "input"), part(card, "output")
    forms = []
    for form in ("uint8", "int8"):
        tensor = part(inputs, form)
        if text(tensor, "dtype"):
            forms.append(
                {
                    "name": form,
                    "input": tensor,
                    "output": part(outputs, form),
                    "shape": " × ".join(str(size) for size in items(tensor, "shape")),
                    "rule": text(tensor, "feed") or pixel_rule(tensor),
                }
            )
    return forms


def pixel_rule(tensor: dict[str, Any]) -> str:
    """Return in words what is fed for a pixel value of 0 to 255, where scale and zero point say so."""
    scale, zero_point = number(tensor, "scale"), whole(tensor, "zero_point")
    if scale is None or zero_point is None:
        return ""
    if abs(scale - PLAIN_SCALE) > PLAIN_SCALE / 1000 or zero_point - 127 not in (0, -128):
        return f"(pixel − 127) / 128, divided by {scale:.6g}, plus {zero_point}"
    return AS_IT_IS if zero_point == 127 else "the pixel minus 128"


def memory_bar(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of the parameters, on the chip and streamed, as shares of them and of what is free beside them.

    Nothing where either is unknown.
    """
    memory = part(card, "memory")
    cached, streamed = number(memory, "cached_bytes"), number(memory, "streamed_bytes")
    if cached is None or streamed is None or cached + streamed <= 0:
        return []
    together = cached + streamed + (number(memory, "remaining_bytes") or 0)
    return [
        {"label": "stays on the chip", "bytes": cached, "share": cached / together},
        {"label": "streamed at every inference", "bytes": streamed, "share": streamed / together},
    ]


def layer_rows(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the layers under short names; the card has the names as the file has them."""
    return [{**layer, "name": layer_name(text(layer, "name"))} for layer in objects(part(card, "memory"), "layers")]


def class_rows(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the classes with how many of their pictures were found, the hardest first."""
    rows = objects(part(card, "accuracy"), "per_class")
    return sorted(rows, key=lambda row: (number(row, "recall") is None, number(row, "recall") or 0))


def confusion_table(card: dict[str, Any]) -> dict[str, Any]:
    """Return the counts with their classes, each with its share of the row; nothing if they do not fit the classes."""
    accuracy, labels = part(card, "accuracy"), items(card, "labels")
    rows = items(accuracy, "confusion")
    if not rows or len(rows) != len(labels):
        return {}
    if len(rows) > MOST_CONFUSION_CLASSES:
        return {"too_many": len(rows)}
    return {
        "labels": labels,
        "rows": [
            {"label": label, "cells": list(_cells(row, position))}
            for position, (label, row) in enumerate(zip(labels, rows, strict=True))
        ],
    }


def _cells(row: list[int], diagonal: int) -> Iterable[dict[str, Any]]:
    together = sum(row)
    for position, count in enumerate(row):
        yield {"count": count, "share": count / together if together else 0, "right": position == diagonal}


def file_rows(files: Iterable[ReleaseFile], release_address: str, private: bool) -> list[dict[str, Any]]:
    """Return the files with what they are for and the command that fetches each and goes on where it was cut off.

    Args:
        files: of one release.
        release_address: where its files lie, for example "https://host/owner/model/resolve/<revision>/".
        private: whether the command must come with a token.
    """
    order = {name: position for position, name in enumerate(PURPOSES)}
    last = len(order)
    token = '-H "Authorization: Bearer $ATOLL_TOKEN" ' if private else ""
    return [
        {
            "name": file.name,
            "purpose": PURPOSES.get(file.name, AS_PUBLISHED if file.name.endswith(".tflite") else ""),
            "byte_count": file.byte_count,
            "sha256": file.sha256,
            "address": f"{release_address}{file.name}",
            "command": f"curl -fLO -C - {token}{release_address}{file.name}",
            "proof": f"echo '{file.sha256}  {file.name}' | sha256sum -c",
        }
        for file in sorted(
            files, key=lambda file: (order.get(file.name, -1 if file.name.endswith(".tflite") else last), file.name)
        )
    ]


def retrain_script(card: dict[str, Any]) -> str:
    """Return ten lines of Keras that teach the network a person's own classes."""
    side = whole(part(card, "input"), "height_px")
    size = "network.input_shape[1:3]" if side is None else f"({side}, {side})"
    return f"""import keras

network = keras.models.load_model("checkpoint.keras")
pictures = keras.utils.image_dataset_from_directory("my_pictures", image_size={size})
classes = len(pictures.class_names)
pictures = pictures.map(lambda pixels, label: ((pixels - 127) / 128, label))
answer = keras.layers.Dense(classes, activation="softmax", name="mine")(network.layers[-3].output)
mine = keras.Model(network.input, answer)
mine.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
mine.fit(pictures, epochs=10)
mine.save("mine.keras")
"""
