"""A report about one model as a single HTML file: no scripts, no fonts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from edgetpu.inspection import Inspection
from edgetpu.memory import LayerMemory
from edgetpu.tables import bytes_text, latency_text

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}
h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #e3e8ee;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.map{display:flex;height:2.2rem;border:1px solid #b8c2cc}
.map div{overflow:hidden}.bar{height:.8rem;min-width:1px}.cached{background:#0b7a75}.streamed{background:#d1603d}
.left{background:#eef2f5}.cpu{background:#8a94a0}
.key span{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 1rem}
.bad{color:#a4211a}.note{color:#7a5200}
@media(prefers-color-scheme:dark){body{color:#dfe6ec;background:#14191e}td,th{border-color:#2c3640}
.left{background:#28313a}}
"""


def report_page(inspection: Inspection) -> str:
    """Return the report: summary, memory map, time per layer, operations, checks."""
    title = escape(inspection.path.name)
    parts = [
        f"<h1>{title}</h1>",
        _summary(inspection),
        _memory(inspection),
        _times(inspection),
        _operations(inspection),
        _findings(inspection),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: Edge TPU report</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _summary(inspection: Inspection) -> str:
    origin = "read from the package" if inspection.compiled else "estimated"
    total = inspection.cached_bytes + inspection.streamed_bytes
    rows = [("File", bytes_text(inspection.file_bytes)), ("Parameters", f"{bytes_text(total)}, {origin}")]
    if inspection.latency is not None:
        rows += [("Time", latency_text(inspection.latency)), ("Limited by", inspection.latency.limited_by)]
    if inspection.compiled is not None:
        rows.append(("Oldest runtime", str(inspection.compiled.min_runtime)))
    notes = inspection.latency.warnings if inspection.latency else ()
    return _table((), rows) + "".join(f'<p class="note">{escape(note)}</p>' for note in notes)


def _memory(inspection: Inspection) -> str:
    cached, streamed = inspection.cached_bytes, inspection.streamed_bytes
    left = inspection.memory.remaining_bytes if inspection.memory and not streamed else 0
    whole = max(cached + streamed + left, 1)
    parts = (("cached", cached, "kept on the chip"), ("streamed", streamed, "sent each time"), ("left", left, "free"))
    bars = "".join(
        f'<div class="{name}" style="width:{100 * size / whole:.3f}%" title="{bytes_text(size)}"></div>'
        for name, size, _ in parts
    )
    key = "".join(f'<span class="{name}"></span>{text}: {bytes_text(size)}' for name, size, text in parts)
    chart = f'<div class="map" role="img" aria-label="Memory map">{bars}</div>'
    return f'<h2>Memory for parameters</h2>{chart}<p class="key">{key}</p>'


def _times(inspection: Inspection) -> str:
    if inspection.latency is None or inspection.memory is None:
        return ""
    layers = inspection.latency.layers
    most = max((layer.total_us for layer in layers), default=0.0) or 1.0
    rows = [
        _time_row(place, layer.total_us, most)
        for place, layer in zip(inspection.memory.layers, layers, strict=True)
        if layer.total_us > 0
    ]
    head = '<tr><th>Layer</th><th>Kind</th><th class="n">Parameters</th><th class="n">µs</th><th></th></tr>'
    title = f"Time per layer (estimated, {escape(inspection.latency.device.title)})"
    return f"<h2>{title}</h2><table>{head}{''.join(rows)}</table>"


def _time_row(place: LayerMemory, microseconds: float, most: float) -> str:
    bar = f'<div class="bar {place.placement}" style="width:{100 * microseconds / most:.2f}%"></div>'
    name = escape(place.name.partition(";")[0])
    return (
        f'<tr><td>{name}</td><td>{escape(place.kind)}</td><td class="n">{place.parameter_bytes:,} B</td>'
        f'<td class="n">{microseconds:.1f}</td><td style="width:30%">{bar}</td></tr>'
    )


def _operations(inspection: Inspection) -> str:
    rows = [(op.name, str(op.count), "chip" if op.mapped else "CPU", op.reason) for op in inspection.ops]
    return "<h2>Operations</h2>" + _table(("Operation", "Count", "Runs on", "Why not the chip"), rows)


def _findings(inspection: Inspection) -> str:
    if not inspection.findings:
        return ""
    rows = [(one.check.replace("_", " "), one.level, one.sentence) for one in inspection.findings]
    return "<h2>Checks</h2>" + _table(("Check", "Outcome", ""), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{f'<tr>{top}</tr>' if top else ''}{body}</table>"
