from __future__ import annotations

import pytest

from marketplace.runs import words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.4567, "0.46 ms"), (2.14, "2.14 ms"), (130.2, "130 ms"), (None, ""), ("?", ""), (float("nan"), "")],
)
def test_estimated_milliseconds_have_three_digits(value: object, text: str) -> None:
    assert words.milliseconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 KiB"), (44, "44 bytes"), (2_000, "2.0 KiB"), (626_688, "612 KiB"), (7_444_889, "7.1 MiB"), (None, "")],
)
def test_amounts_of_memory(value: object, text: str) -> None:
    assert words.byte_count(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (200, "3 min 20 s"), (180, "3 min"), (1230, "20 min"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(20, "under a minute"), (65, "about 1 minute"), (240, "about 4 minutes"), (9000, "about 2 hours")],
)
def test_guessed_durations_are_rough(seconds: float, text: str) -> None:
    assert words.about(seconds) == text


def test_an_architecture_is_told_in_words() -> None:
    blocks = [{"kind": "fused", "filters": 24}, {"kind": "depthwise", "filters": 96}]
    assert words.architecture({"blocks": blocks, "image_px": 64}) == "2 blocks (1 fused), 24–96 channels, 64 px"


@pytest.mark.parametrize("value", [{}, {"blocks": []}, {"blocks": None}])
def test_an_architecture_that_is_not_chosen_yet_is_not_invented(value: dict[str, object]) -> None:
    assert words.architecture(value) == ""


def test_a_device_that_is_no_longer_known_keeps_its_key() -> None:
    assert words.device_title("gone") == "gone"
    assert words.device_title("devboard") == "Coral Dev Board (PCIe)"


def test_what_limits_an_inference_is_told_in_words() -> None:
    assert words.limited_by("compute") == "arithmetic on the chip"
    assert words.limited_by(None) == ""


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("net_1/block1_expand_relu_1/Relu;net_1/block1_expand_norm_1/batchnorm/add_1", "block1_expand"),
        ("net_1/block4_add_1/Add", "block4_add"),
        ("net/logits_1/MatMul;net/logits_1/BiasAdd", "logits"),
        ("StatefulPartitionedCall_1:0", "output"),
        ("PartitionedCall:0", "output"),
        ("StatefulPartitionedCall/net/stem/Relu", "stem"),
        ("stem", "stem"),
        ("", ""),
    ],
)
def test_layers_have_names_that_people_can_read(name: str, short: str) -> None:
    assert words.layer_name(name) == short
