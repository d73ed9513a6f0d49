"""Every form in which a network may come gives the same answers as the network itself, in float and then in int8."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from edgetpu.graph import Graph
from models.errors import ForeignRefused
from models.foreign.convert import convert_to_int8, save_for_conversion
from models.foreign.format import Format, format_of
from models.foreign.model import Served
from models.foreign.opening import open_foreign
from models.foreign.report import report_of
from models.foreign.words import layer_of
from models.pixels import RANGES, PixelRange
from tests.models import foreign_files as files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*HDF5 file.*"),
]
FORMS: dict[str, tuple[Callable[[keras.Model, Path], Path], Format]] = {
    ".keras": (files.as_keras, Format.KERAS),
    ".h5": (files.as_h5, Format.H5),
    "SavedModel": (files.as_saved_model, Format.SAVED_MODEL),
    "frozen graph": (files.as_frozen_graph, Format.FROZEN_GRAPH),
    "float .tflite": (files.as_tflite, Format.TFLITE),
}


def int8_of(served: Served, pixels: PixelRange, folder: Path) -> Graph:
    saved = save_for_conversion(served, folder / "served")
    return convert_to_int8(saved, files.pictures(8), pixels, target=folder / "int8.tflite", dtype="int8")


@pytest.mark.parametrize("form", FORMS)
def test_a_network_answers_the_same_in_whatever_form_it_came(form: str, tmp_path: Path) -> None:
    write, kind = FORMS[form]
    model = files.network(rescaling=form != "float .tflite")
    upload = shutil.copy(write(model, tmp_path), tmp_path / "upload")  # as it is stored: without its ending
    assert format_of(Path(upload), f"anything.{'pb' if kind is Format.FROZEN_GRAPH else 'bin'}") is kind
    foreign = open_foreign(Path(upload), kind, tmp_path)
    assert foreign.shape == (files.SIDE_PX, files.SIDE_PX, 3)
    picture = files.pictures(1).astype(np.float32)
    pixels = foreign.pixels or RANGES["raw"]
    answer = Served(foreign)(picture * pixels.scale + pixels.offset)[0]
    np.testing.assert_allclose(answer, model(picture), atol=1e-5)


def test_a_first_layer_that_rescales_pixels_becomes_the_scale_of_the_input(tmp_path: Path) -> None:
    path = files.as_keras(files.network(keras.layers.BatchNormalization(name="norm")), tmp_path)
    foreign = open_foreign(path, Format.KERAS, tmp_path)
    assert foreign.pixels == RANGES["signed"]
    graph = int8_of(Served(foreign), RANGES["signed"], tmp_path)
    assert not {"ADD", "SUB", "QUANTIZE"} & {op.kind for op in graph.ops}
    image = graph.tensors[graph.inputs[0]].quantization
    assert image is not None
    assert (image.scales[0], image.zero_points[0]) == (pytest.approx(1 / 127.5), -1)
    assert report_of(graph)["sentence"] == f"All {len(graph.ops)} operations can run on the Edge TPU."


def test_what_the_chip_does_not_run_is_named_by_its_layer_and_reason(tmp_path: Path) -> None:
    model = files.network(keras.layers.ELU(name="odd"))
    foreign = open_foreign(files.as_keras(model, tmp_path), Format.KERAS, tmp_path)
    report = report_of(int8_of(Served(foreign), RANGES["signed"], tmp_path))
    assert 0 < report["ops_mapped"] < report["ops"]
    assert report["sentence"].startswith(
        f"{report['ops_mapped']} of {report['ops']} operations run on the Edge TPU; these do not: “odd” (ELU): "
        "TensorFlow Lite has no 8-bit form of ELU, so it is computed in floating point, on the CPU."
    )
    assert "more stay on the CPU because of it." in report["sentence"]


def test_an_operation_that_cannot_be_converted_is_named(tmp_path: Path) -> None:
    class Bell(keras.layers.Layer):
        def call(self, inputs: object) -> object:
            return keras.ops.erf(inputs)

    path = files.as_saved_model(files.network(Bell(name="bell")), tmp_path)
    foreign = open_foreign(path, Format.SAVED_MODEL, tmp_path)
    with pytest.raises(ForeignRefused, match="The layer “bell” cannot be converted: TensorFlow Lite has no operation"):
        int8_of(Served(foreign), RANGES["raw"], tmp_path)


def test_an_input_without_a_fixed_size_is_refused(tmp_path: Path) -> None:
    path = files.as_keras(files.network(side_px=None), tmp_path)
    with pytest.raises(ForeignRefused, match="its height and width are open"):
        open_foreign(path, Format.KERAS, tmp_path)


def test_a_network_that_looks_at_no_picture_is_refused(tmp_path: Path) -> None:
    table = keras.Sequential([keras.Input((20,)), keras.layers.Dense(2)])
    with pytest.raises(ForeignRefused, match=r"has the shape \? × 20. Atoll calibrates with pictures"):
        open_foreign(files.as_keras(table, tmp_path), Format.KERAS, tmp_path)


def test_grey_pictures_and_other_shapes_than_squares_are_taken(tmp_path: Path) -> None:
    grey = keras.Sequential([keras.Input((12, 20, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    assert open_foreign(files.as_keras(grey, tmp_path), Format.KERAS, tmp_path).shape == (12, 20, 1)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("functional_1/odd_1/Elu;functional_1/odd_1/BiasAdd", "odd"),
        ("functional_1/conv2d_1_1/convolution", "conv2d_1"),
        ("MobilenetV2/Conv/Relu6", "Conv"),
        ("StatefulPartitionedCall:0", "output"),
        ("tfl.dequantize", "dequantize"),
        ("Softmax", "Softmax"),
        ("", "without a name"),
    ],
)
def test_a_layer_is_called_as_its_author_called_it(name: str, layer: str) -> None:
    assert layer_of(name) == layer
