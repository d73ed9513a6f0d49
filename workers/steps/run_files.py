"""The files of a run, brought to a local folder; and how a run fails."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from marketplace.runs import outcomes
from marketplace.runs.models import Artifact, Run, Trial
from marketplace.storage import StoredFile, fetch, scratch_folder, store_path
from marketplace.work.lifecycle import Lease


def run_of(lease: Lease) -> Run:
    """Return the run that a step is about."""
    return Run.objects.select_related("dataset_version__dataset__owner", "best_trial").get(pk=lease.subject)


@contextmanager
def folder_for(lease: Lease) -> Iterator[Path]:
    """Lend a folder to a step; it is gone afterwards."""
    folder = scratch_folder("runs", f"{lease.subject}-{lease.kind}-{lease.fence}")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bring(run: Run, name: str, folder: Path, *, trial: Trial | None = None) -> Path:
    """Fetch one of a run's files, or of one of its trials', whole."""
    artifact = Artifact.objects.get(run=run, trial=trial, name=name)
    return fetch(artifact.storage_key, folder / name)


def bring_trained(run: Run, folder: Path) -> Path:
    """Fetch the network that a run's int8 file comes from, as it was trained."""
    names = {artifact.name: artifact for artifact in Artifact.objects.filter(trial=run.best_trial_id)}
    artifact = names.get(outcomes.TRAINED) or names["checkpoint.keras"]
    return fetch(artifact.storage_key, folder / outcomes.TRAINED)


def keep(paths: Mapping[str, str]) -> dict[str, StoredFile]:
    """Store local files under their names."""
    return {name: store_path(Path(path), "artifacts") for name, path in paths.items()}


def fail_run(subject: int, sentence: str) -> None:
    """The run cannot go on."""
    outcomes.fail_run(Run.objects.get(pk=subject), sentence)
