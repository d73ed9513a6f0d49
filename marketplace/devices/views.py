"""The page of the machines that work for this site."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from marketplace.devices.queries import workers_of_late


@login_required
@require_GET
def devices(request: HttpRequest) -> HttpResponse:
    """Show the workers, what each has, and how to add a compiler or a device."""
    workers = list(workers_of_late())
    live = [worker for worker in workers if worker.live]
    context = {
        "workers": workers,
        "live": live,
        "compilers": [worker for worker in live if worker.compiler],
        "with_edge_tpu": [worker for worker in live if worker.edge_tpus],
    }
    return render(request, "devices/devices.html", context)
