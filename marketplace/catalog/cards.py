"""What a release says of itself: from a finished run to its card. Pure; a figure that the run lacks stays None.

The same run gives the same card, byte for byte, so a release is known by the hashes of its files and its card.
Parts that other cards have too are made of the JSON column that holds them, so that no run is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from marketplace.catalog.licences import LICENCES
from marketplace.catalog.values import items, kib, number, objects, pair, part, text, whole
from marketplace.runs.models import Artifact, Run
from marketplace.runs.parents import Parent
from search.recipe import Learns, recipe_of

SCHEMA = 1
CARD_NAME = "card.json"
COLOUR_ORDER = "RGB"
NORMALIZED = "(x − 127) / 128"
NO_COMPILATION = "Not compiled: the run does not say more."


def card_of(
    run: Run,
    *,
    model: str,
    licence: str,
    labels: Sequence[str],
    artifacts: Iterable[Artifact],
    parent: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the card of a finished run.

    Args:
        run: with its dataset version and best trial.
        model: "owner/name".
        licence: a key of LICENCES.
        labels: the classes, in the order of the outputs.
        artifacts: the files of the release, without the card itself.
        parent: what it was trained further from, as `parent_named` says it; None if it began elsewhere.
    """
    lineage = {"parent": parent} if parent else {}
    return {
        **lineage,
        "schema": SCHEMA,
        "model": model,
        "task": "image-classification",
        "licence": {"id": licence, "title": LICENCES.get(licence, licence)},
        "device": run.device,
        "accuracy": accuracy_of(run.validation) | reuse_of(run),
        "latency": latency_of(run.estimate, run.measurement),
        "input": input_of(run),
        "output": {form: _tensor(run, form, "output") for form in ("int8", "uint8")},
        "quantization": quantization_of(run.quantization),
        "memory": memory_of(run.estimate),
        "ops": ops_of(run.estimate),
        "compiler": compiler_of(run.compilation),
        "labels": list(labels),
        "dataset": dataset_of(run),
        "architecture": architecture_of(run),
        "training": training_of(run),
        "files": sorted(
            ({"name": file.name, "bytes": file.byte_count, "sha256": file.sha256} for file in artifacts),
            key=lambda file: str(file["name"]),
        ),
    }


def parent_named(parent: Parent, *, public: bool) -> dict[str, Any]:
    """Return what a card says of the release that it was trained further from: of a private one only the licence."""
    licence = {"id": parent.licence, "title": LICENCES.get(parent.licence, parent.licence)}
    if not public:
        return {"model": "", "licence": licence}
    return {"model": parent.model, "release": parent.release, "revision": parent.revision, "licence": licence}


def as_bytes(card: dict[str, Any]) -> bytes:
    """Return the card as the file that people download."""
    return (json.dumps(card, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def accuracy_of(validation: Any) -> dict[str, Any]:
    """Return how often the network is right, each figure between 0 and 1, and on how many pictures that was seen."""
    shares = ("float", "int8", "uint8", "balanced_int8")
    return {
        "split": text(validation, "split"),
        "pictures": whole(validation, "pictures"),
        **{share: number(validation, f"{share}_accuracy") for share in shares},
        "agreement": number(validation, "agreement"),
        "interval": pair(validation, "interval"),
        "per_class": [
            {
                "name": text(one, "name"),
                "recall": number(one, "recall"),
                "precision": number(one, "precision"),
                "pictures": whole(one, "pictures"),
            }
            for one in objects(validation, "per_class")
        ],
        "confusion": confusion_of(validation),
    }


def reuse_of(run: Run) -> dict[str, int]:
    """Return how many networks of a run its test pictures have judged, where that is more than this one."""
    return {"networks_tested": run.networks_tested} if run.networks_tested > 1 else {}


def confusion_of(found: Any) -> list[list[int]]:
    """Return the counts, a row for each true class, or nothing if they do not form a square."""
    rows = [row for row in items(found, "confusion") if isinstance(row, list)]
    whole_rows = [[value for value in row if isinstance(value, int)] for row in rows]
    return whole_rows if all(len(row) == len(rows) for row in whole_rows) else []


def latency_of(estimate: Any, measurement: Any = None) -> dict[str, Any]:
    """Return the time of one inference: measured where a device measured it, else estimated with its band."""
    return _measured(measurement) or _estimated(estimate)


def _measured(found: Any) -> dict[str, Any] | None:
    times = {name: number(found, name) for name in ("p50_ms", "p95_ms", "mean_ms", "sd_ms")}
    if text(found, "state") != "measured" or times["p50_ms"] is None:
        return None
    words = {name: text(found, name) for name in ("device", "link", "clock", "runtime")}
    return {"origin": "measured", "ms": times["p50_ms"], "runs": whole(found, "runs"), **words, **times}


def _estimated(found: Any) -> dict[str, Any]:
    times = {name: number(found, name) for name in ("low_ms", "high_ms")}
    estimate_ms = number(found, "latency_ms")
    return {
        "origin": "unknown" if estimate_ms is None else "estimated",
        "ms": estimate_ms,
        "device": text(found, "device_title") or text(found, "device"),
        "limited_by": text(found, "limited_by"),
        **times,
    }


def input_of(run: Run) -> dict[str, Any]:
    """Return what a picture must be turned into before the network takes it."""
    forms = {form: _tensor(run, form, "input") for form in ("int8", "uint8")}
    shape = forms["int8"]["shape"] or forms["uint8"]["shape"]
    return {
        "height_px": shape[1] if len(shape) == 4 else None,
        "width_px": shape[2] if len(shape) == 4 else None,
        "colour_order": COLOUR_ORDER,
        "resize": resize_rule(run, shape[1] if len(shape) == 4 else None),
        "preprocessing": NORMALIZED,
        **forms,
    }


def resize_rule(run: Run, input_px: int | None) -> str:
    """Return how pictures got to the input's size: once when the dataset was read, and again in a smaller network."""
    rule = text(run.dataset_version.statistics, "resize_rule")
    if not rule or input_px is None or input_px == run.image_px:
        return rule
    way = "averaged over areas (box filter)" if input_px < run.image_px else "enlarged (bicubic filter)"
    return f"{rule} That square has {run.image_px} px; it is then {way} to {input_px} px."


def _tensor(run: Run, form: str, side: str) -> dict[str, Any]:
    found = part(part(run.quantization, form), side)
    return {
        "dtype": text(found, "dtype"),
        "scale": number(found, "scale"),
        "zero_point": whole(found, "zero_point"),
        "shape": [size for size in items(found, "shape") if isinstance(size, int)],
    }


def quantization_of(quantization: Any) -> dict[str, Any]:
    """Return how the int8 network came from the float one."""
    return {
        "method": text(quantization, "method"),
        "calibration_pictures": whole(quantization, "calibration_count"),
        "calibration_sha256": text(quantization, "calibration_sha256"),
    }


def memory_of(estimate: Any) -> dict[str, Any]:
    """Return which parameters stay on the chip and which are sent to it at every inference."""
    names = ("parameter_bytes", "cached_bytes", "streamed_bytes", "remaining_bytes")
    layers = [
        {
            "name": text(layer, "name"),
            "kind": text(layer, "kind"),
            "placement": text(layer, "placement"),
            "parameter_bytes": whole(layer, "parameter_bytes"),
            "ms": number(layer, "ms"),
        }
        for layer in objects(estimate, "layers")
    ]
    return {
        "origin": "estimated" if number(estimate, "cached_bytes") is not None else "unknown",
        "onchip_kib": kib(number(estimate, "cached_bytes")),
        "streamed_kib": kib(number(estimate, "streamed_bytes")),
        **{name: whole(estimate, name) for name in names},
        "layers": layers,
    }


def ops_of(estimate: Any) -> dict[str, Any]:
    """Return how many ops the chip takes, and why the others stay on the CPU."""
    left = [{key: text(op, key) for key in ("kind", "name", "reason")} for op in objects(estimate, "ops_on_cpu")]
    known = isinstance(estimate, dict) and isinstance(estimate.get("ops_on_cpu"), list)
    return {
        "count": whole(estimate, "ops"),
        "mapped": whole(estimate, "ops_mapped"),
        "on_cpu": left if known else None,
    }


def compiler_of(compilation: Any) -> dict[str, Any]:
    """Return whether the network was compiled for the chip, in words."""
    return {
        "state": text(compilation, "state") or "not_compiled",
        "sentence": text(compilation, "sentence") or NO_COMPILATION,
        "version": text(compilation, "compiler_version"),
    }


def dataset_of(run: Run) -> dict[str, Any]:
    """Return which pictures it learned from."""
    version = run.dataset_version
    return {
        "name": str(version.dataset),
        "version": version.number,
        "content_sha256": version.content_sha256,
    }


def training_of(run: Run) -> dict[str, Any]:
    """Return how the network learned, so that it can be trained again: seed, start, layers, rate, epochs.

    A network that began with another trial of its run, or learned that one's answers, names it; its checkpoint and
    architecture are the run's.
    """
    proposal = run.best_trial.proposal if run.best_trial else {}
    begins_with = whole(proposal, "parent")
    longer = part(run.quantization, "final_training")
    trial = whole(run.best_trial.metrics if run.best_trial else {}, "epochs")
    recipe = recipe_of(part(architecture_of(run), "choices"))
    return {
        "seed": run.seed,
        "start": run.backbone or ("parent" if run.parent else "trial" if begins_with else "scratch"),
        "parent_trial": begins_with,
        "teacher_trial": _teacher_of(proposal, longer),
        "layers": recipe.learns if run.backbone else str(Learns.ALL),
        "rate_of_usual": recipe.rate,
        "epochs": whole(longer, "epochs") if longer.get("kept") is True else trial,
    }


def _teacher_of(proposal: Any, longer: Mapping[str, Any]) -> int | None:
    """Return the trial whose answers the released network learned, in its trial or in the longer training."""
    if longer.get("kept") and not longer.get("taught"):
        return None
    in_trial = whole(proposal, "teacher")
    return (whole(longer, "teacher_trial") or in_trial) if longer.get("kept") else in_trial


def architecture_of(run: Run) -> dict[str, Any]:
    """Return the network's architecture as `architecture.json` has it."""
    trial = run.best_trial
    if trial is None or not isinstance(trial.architecture, dict):
        return {}
    return trial.architecture
