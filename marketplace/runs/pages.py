"""The run page in pieces, so that only what changed is sent to a page that is open.

Every piece is hashed: the page says which ones it has, and gets the others.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace.runs import results
from marketplace.runs.chart import chart_of
from marketplace.runs.choices import importances, tried_in
from marketplace.runs.coordinates import coordinates_of
from marketplace.runs.leaderboard import best_row, choosable, points_of, reasons
from marketplace.runs.models import Run
from marketplace.runs.parents import Parent
from marketplace.runs.queries import Overview
from marketplace.runs.rail import stations_of
from marketplace.runs.starts import families_in_words
from marketplace.runs.summary import summary_of
from marketplace.runs.words import device_title

PIECES = ("head", "progress", "results", "chart", "choices", "board", "files", "events")
IMPORTANCES_SHOWN = 6
MARK_LENGTH = 8


def context_of(overview: Overview) -> dict[str, Any]:
    """Return what the templates of a run need."""
    run = overview.run
    points = points_of(overview.rows)
    tried = tried_in(overview.trials)
    best = best_row(overview.rows)
    return {
        "run": run,
        "overview": overview,
        "stations": stations_of(run),
        "percent": round(100 * overview.standing.share),
        "device": device_title(run.device),
        "can_stop": run.status in (Run.Status.QUEUED, Run.Status.SEARCHING) and not run.stop_requested,
        "choosable": choosable(overview.rows) if run.status == Run.Status.DONE else [],
        "chart": chart_of(points, run.latency_limit_ms),
        "coordinates": coordinates_of(tried, best.trial.number if best else None),
        "importances": importances(tried)[:IMPORTANCES_SHOWN],
        "tried_count": len(tried),
        "parent": Parent.from_json(run.parent),
        "families": families_in_words(run),
        "best": best,
        "reasons": reasons(overview.rows),
        "summary": summary_of(run, overview.trials) if run.status == Run.Status.DONE else [],
        "accuracies": results.accuracies(run.validation),
        "points_lost": results.points_lost(run.validation),
        "interval": results.interval(run.validation),
        "per_class": results.per_class(run.validation),
        "class_names": results.class_names(run.validation),
        "matrix": results.matrix(run.validation),
        "mistakes": results.mistakes(run.validation),
        "memory": results.memory_parts(run.estimate),
    }


def pieces_of(overview: Overview, request: HttpRequest) -> dict[str, SafeString]:
    """Return the inner HTML of every piece by its name."""
    context = context_of(overview)
    return {name: render_to_string(f"runs/_{name}.html", context, request) for name in PIECES}


def marks_of(pieces: dict[str, SafeString]) -> str:
    """Return a short hash of every piece, in the order of PIECES."""
    # Tokens against forged requests differ at every rendering; they are no change.
    return ".".join(hashlib.sha256(_lasting(pieces[name]).encode()).hexdigest()[:MARK_LENGTH] for name in PIECES)


def _lasting(html: str) -> str:
    return "\n".join(line for line in html.splitlines() if "csrfmiddlewaretoken" not in line)


def changed_pieces(pieces: dict[str, SafeString], seen: str) -> list[SafeString]:
    """Return the pieces that a page lacks, each saying where it belongs."""
    had = seen.split(".")
    now = marks_of(pieces).split(".")
    known = dict(zip(PIECES, had, strict=False))
    return [
        format_html('<div id="run-{}" hx-swap-oob="innerHTML">{}</div>', name, pieces[name])
        for name, mark in zip(PIECES, now, strict=True)
        if known.get(name) != mark
    ]
