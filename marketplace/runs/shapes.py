"""Runs as JSON."""

from __future__ import annotations

from typing import Any

from marketplace.runs.leaderboard import Row
from marketplace.runs.models import Artifact, Run
from marketplace.runs.parents import Parent
from marketplace.runs.queries import Overview
from marketplace.work.models import Event

RESULTS = ("estimate", "quantization", "compilation", "validation", "measurement")


def brief(run: Run) -> dict[str, Any]:
    """Return what a list shows of a run."""
    version = run.dataset_version
    return {
        "id": run.pk,
        "url": f"/api/runs/{run.pk}",
        "page": f"/runs/{run.pk}/",
        "status": run.status,
        "dataset": {"name": str(version.dataset), "version": version.number, "version_id": version.pk},
        "spec": {
            "latency_limit_ms": run.latency_limit_ms,
            "device": run.device,
            "onchip_limit_bytes": run.onchip_limit_bytes,
            "file_limit_bytes": run.file_limit_bytes,
            "image_px": run.image_px,
            "trials": run.trials_wanted,
            "seed": run.seed,
            "minutes": run.minutes,
            "min_gain": run.min_gain,
            "goal": run.goal,
            "families": run.families,
            "backbone": run.backbone,
        },
        "parent": _parent(run),
        "best_accuracy": getattr(run, "best_accuracy", None),
        "failure": run.failure,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
    }


def full(overview: Overview) -> dict[str, Any]:
    """Return everything that is known of a run."""
    run, standing = overview.run, overview.standing
    return {
        **brief(run),
        "progress": standing.share,
        "eta_s": standing.eta_s,
        "now": standing.now,
        "stop_requested": run.stop_requested,
        "leaderboard": [_trial(row) for row in overview.rows],
        "waiting": overview.waiting,
        "networks_tested": run.networks_tested,
        "artifacts": [_artifact(run, artifact) for artifact in overview.artifacts],
        **{name: getattr(run, name) for name in RESULTS},
    }


def event(row: Event) -> dict[str, Any]:
    """Return a line of the timeline."""
    return {"id": row.pk, "at": row.at.isoformat(), "text": row.text}


def _trial(row: Row) -> dict[str, Any]:
    trial, estimate = row.trial, row.estimate
    known = {name: value for name, value in estimate.items() if name not in ("layers", "origin")}
    return {
        **known,
        "latency_origin": "estimated",
        "measured_ms": trial.measured_ms,
        "broken_limit": row.broken,
        "compilation": trial.compilation,
        "measurement": trial.measurement,
        "rank": row.rank,
        "number": trial.number,
        "status": trial.status,
        "best": row.best,
        "architecture": row.architecture,
        "architecture_key": trial.architecture_key,
        "proposal": trial.proposal,
        "validation_accuracy": trial.validation_accuracy,
        "float_accuracy": trial.float_accuracy,
        "seconds": trial.seconds,
        "note": row.note,
    }


def _parent(run: Run) -> dict[str, Any] | None:
    parent = Parent.from_json(run.parent)
    if parent is None:
        return None
    return {"model": parent.model, "release": parent.release, "revision": parent.revision, "licence": parent.licence}


def _artifact(run: Run, artifact: Artifact) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "sha256": artifact.sha256,
        "bytes": artifact.byte_count,
        "url": f"/api/runs/{run.pk}/files/{artifact.name}",
    }
