"""What this machine has: Coral's compiler, attached Edge TPUs, published weights to begin with."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from edgetpu.compiler import find_compiler
from edgetpu.errors import EdgeTpuError
from edgetpu.runtime import AttachedDevice, list_devices
from models.backbones import BACKBONES, USUAL_BACKBONE, fetch_backbone, find_backbone
from models.errors import BackboneMissing

log = logging.getLogger("atoll.worker")
VARIABLE = "ATOLL_WORKER_ABILITIES"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a worker can be asked for beyond arithmetic."""

    compiler: str = ""
    """Version of edgetpu_compiler; empty without one."""
    edge_tpus: list[dict[str, Any]] = field(default_factory=list)
    backbones: list[str] = field(default_factory=list)
    """Names of the published weights that lie here."""

    @classmethod
    def found_here(cls) -> Self:
        """Look at this machine, once, before the worker starts."""
        return cls(_compiler_version(), _edge_tpus(), backbones_here())

    @classmethod
    def from_environment(cls) -> Self:
        """Return what `workers.start` found."""
        return cls(**json.loads(os.environ.get(VARIABLE, "{}")))

    def to_environment(self) -> dict[str, str]:
        """Return the variable that hands this to the worker's processes."""
        return {VARIABLE: json.dumps(asdict(self))}

    @property
    def queues(self) -> list[str]:
        """Return the queues to listen to."""
        return ["cpu", *(["compiler"] if self.compiler else []), *(["device"] if self.edge_tpus else [])]


def backbones_here() -> list[str]:
    """Return the names of the published weights that lie on this machine."""
    return [name for name in BACKBONES if find_backbone(name)]


def bring_usual_backbone() -> None:
    """Have the weights here that searches usually begin with; where they are not to be had, say so in the log."""
    try:
        fetch_backbone(USUAL_BACKBONE)
    except BackboneMissing as error:
        log.warning("searches begin from nothing: %s", error)


def _compiler_version() -> str:
    try:
        compiler = find_compiler()
    except EdgeTpuError as error:
        log.warning("edgetpu_compiler cannot be used: %s", error)
        return ""
    return "" if compiler is None else compiler.version


def _edge_tpus() -> list[dict[str, Any]]:
    try:
        return [_plain(device) for device in list_devices() if device.accessible]
    except EdgeTpuError as error:
        log.warning("attached Edge TPUs cannot be used: %s", error)
        return []


def _plain(device: AttachedDevice) -> dict[str, Any]:
    return {"link": device.link, "path": str(device.path), "name": device.name}
