"""What of Coral's is on this machine, for a search without the site: the compiler, and an Edge TPU to measure on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.correction import MEASURED, proven
from search.trial import TrialRecord
from workers.abilities import Abilities
from workers.errors import StepFailed
from workers.jobs.compile_model import COMPILED_NAMES

DoJob = Callable[[dict[str, Any]], dict[str, Any]]
"""Has a process do a job."""
INT8_FILE, _ = COMPILED_NAMES
NOT_COMPILED = "Not compiled: Coral's edgetpu_compiler is not on this machine."
NOT_MEASURED = "Not measured: no Edge TPU is attached to this machine, so the latency is estimated."


@dataclass(frozen=True, slots=True)
class LocalChip:
    """Coral's compiler and the first Edge TPU of this machine, as far as they are here."""

    compiles: bool
    measures: bool
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    """Two programs cannot hold an Edge TPU, and each would slow the other's figures."""

    @classmethod
    def found_here(cls) -> LocalChip:
        """Return what this machine has."""
        abilities = Abilities.found_here()
        return cls(bool(abilities.compiler), bool(abilities.edge_tpus))

    def prove(self, do: DoJob, device: str, record: TrialRecord, folder: Path) -> TrialRecord:
        """Return a trial with what compiler and device say of its network, as far as they are here."""
        compilation = self.compilation(do, {INT8_FILE: folder / INT8_FILE}, folder / "compiled")
        return proven(device, record, compilation, self.measurement(do, compilation))

    def compilation(self, do: DoJob, models: Mapping[str, Path], out_dir: Path) -> dict[str, Any]:
        """Return what the compiler makes of int8 files; a sentence where there is none or it cannot be used."""
        if not self.compiles:
            return {"state": "not_compiled", "sentence": NOT_COMPILED, "files": {}}
        paths = {name: str(path) for name, path in models.items()}
        try:
            return do({"job": "compile_trial", "models": paths, "out_dir": str(out_dir)})
        except StepFailed as error:
            return {"state": "not_compiled", "sentence": str(error), "files": {}}

    def measurement(self, do: DoJob, compilation: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the Edge TPU takes for what was compiled; a sentence where it cannot be measured."""
        compiled = compilation["files"].get(COMPILED_NAMES[INT8_FILE])
        if compiled is None or not self.measures:
            return {"state": "not_measured", "sentence": NOT_MEASURED if compiled else ""}
        try:
            with self._one_at_a_time:
                return do({"job": "measure", "model": compiled})
        except StepFailed as error:
            return {"state": "not_measured", "sentence": str(error)}


def is_measured(result: Mapping[str, Any]) -> bool:
    """Say whether the result of a search holds a measured latency."""
    return bool(result.get("measurement", {}).get("state") == MEASURED)
