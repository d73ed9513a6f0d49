from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from marketplace.runs.int8_changes import CLASSES_SHOWN, int8_changes
from marketplace.runs.models import Run

QUANTIZATION = {
    "way": "corrected",
    "reason": "The closest to float of 2 ways tried: as accurate as float on the validation pictures.",
    "tried": [
        {"way": "plain", "method": "post-training, full int8", "validation_accuracy": 0.91},
        {"way": "corrected", "method": "weights corrected", "validation_accuracy": 0.95, "distance": 0.004},
    ],
    "worst_layers": [{"name": "block2_depthwise", "kind": "DEPTHWISE_CONV_2D", "error_share": 0.083}],
}
VALIDATION = {
    "split": "test",
    "class_changes": [{"name": "ant", "before": 0.95, "after": 0.9}, {"name": "bee", "before": 0.5, "after": 0.7}],
}


def test_the_class_that_moved_most_comes_first_with_its_points() -> None:
    changes = int8_changes(QUANTIZATION, VALIDATION)
    assert changes is not None
    assert [(each.name, each.points) for each in changes.classes] == [("bee", "+20.0"), ("ant", "−5.0")]
    assert [(way.chosen, way.distance) for way in changes.ways] == [(False, None), (True, 0.004)]


def test_of_many_classes_the_rest_is_counted() -> None:
    many = [{"name": str(number), "before": 0.5, "after": 0.6} for number in range(CLASSES_SHOWN + 3)]
    changes = int8_changes(QUANTIZATION, {"class_changes": many})
    assert changes is not None
    assert (len(changes.classes), changes.more_classes) == (CLASSES_SHOWN, 3)


@pytest.mark.parametrize("nothing", [{}, None, [], "text", {"tried": "text", "worst_layers": [1], "class_changes": {}}])
def test_runs_from_before_have_nothing_to_tell(nothing: Any) -> None:
    assert int8_changes(nothing, nothing) is None


def test_the_page_tells_it_in_words() -> None:
    html = render_to_string("runs/_int8.html", {"run": Run(quantization=QUANTIZATION, validation=VALIDATION)})
    assert "What int8 changed" in html
    assert "off by 8.3 % of its output" in html
    assert "depthwise convolution" in html
    assert '<td class="number">95.0 %</td><td class="number">0.40</td>' in html
    assert "used" in html


def test_a_run_without_figures_shows_no_heading() -> None:
    assert "int8" not in render_to_string("runs/_int8.html", {"run": Run()})
