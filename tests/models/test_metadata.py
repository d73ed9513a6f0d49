"""Labels and normalization inside a file: read back, harmless to everything that reads the network."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgetpu.errors import BadModel
from edgetpu.memory import memory_map
from edgetpu.runtime import run_on_cpu
from edgetpu.tflite import read_graph
from models.metadata import (
    copy_description,
    describe_classifier,
    labels_text,
    model_part,
    read_labels,
    read_normalization,
)
from models.tflite_file import pack_model, unpack_model
from tests.models.networks import pictures_of_noise, write_network

NAMES = ("moß", "two words", "7 up")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from models.quantize import quantize_to

    folder = tmp_path_factory.mktemp("metadata")
    quantize_to(write_network(folder / "checkpoint.keras"), pictures_of_noise(), folder / "plain.tflite", "uint8")
    return folder / "plain.tflite"


@pytest.fixture
def described(classifier: Path, tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(classifier.read_bytes())
    describe_classifier(path, NAMES)
    return path


def _as_pycoral_reads(text: str) -> dict[int, str]:
    """Do what `read_label_file` of pycoral does (google-coral/pycoral, pycoral/utils/dataset.py)."""
    found = {}
    for number, line in enumerate(text.splitlines()):
        pair = re.split(r"[:\s]+", line.strip(), maxsplit=1)
        numbered = len(pair) == 2 and pair[0].strip().isdigit()
        found[int(pair[0]) if numbered else number] = pair[1].strip() if numbered else line.strip()
    return found


@pytest.mark.parametrize("names", [("cat", "dog"), ("0", "1", "2"), ("hot dog", "7 up", "3: three"), ("a\nb", "c")])
def test_pycoral_reads_every_label_under_its_number(names: tuple[str, ...]) -> None:
    expected = {number: " ".join(name.split()) for number, name in enumerate(names)}
    assert _as_pycoral_reads(labels_text(names)) == expected


def test_ordinary_labels_are_one_a_line() -> None:
    assert labels_text(("cat", "hot dog")) == "cat\nhot dog\n"


@pytest.mark.slow
def test_labels_and_normalization_are_read_back(described: Path) -> None:
    assert read_labels(described) == NAMES
    assert read_normalization(described) == (127.0, 128.0)
    assert zipfile.ZipFile(described).namelist() == ["labels.txt"]


@pytest.mark.slow
def test_the_network_answers_the_same_and_takes_as_much_of_the_chip(classifier: Path, described: Path) -> None:
    pictures = pictures_of_noise()
    before, after = (run_on_cpu(path, pictures, kernels="optimized") for path in (classifier, described))
    assert np.array_equal(before, after)
    plain, labelled = read_graph(classifier), read_graph(described)
    assert [op.kind for op in plain.ops] == [op.kind for op in labelled.ops]
    assert memory_map(plain, 8 * 2**20) == memory_map(labelled, 8 * 2**20)


@pytest.mark.slow
def test_equal_models_give_equal_files_however_often_they_are_described(described: Path, tmp_path: Path) -> None:
    once = described.read_bytes()
    describe_classifier(described, ("a", "b", "c"))
    describe_classifier(described, NAMES)
    assert read_labels(described) == NAMES
    again = tmp_path / "again.tflite"
    again.write_bytes(model_part(once))
    describe_classifier(again, NAMES)
    describe_classifier(again, NAMES)
    assert again.read_bytes() == described.read_bytes()


@pytest.mark.slow
def test_constants_keep_the_alignment_that_the_runtime_asks_for(described: Path) -> None:
    content = described.read_bytes()
    model = unpack_model(content)
    for buffer in model.buffers:
        if buffer.data is not None and len(buffer.data) > 64:
            places = [hit.start() for hit in re.finditer(re.escape(bytes(buffer.data)), content)]
            assert any(place % 16 == 0 for place in places)


@pytest.mark.slow
def test_a_wrong_number_of_classes_is_refused(described: Path) -> None:
    with pytest.raises(BadModel, match="number for each of 2 classes"):
        describe_classifier(described, ("one", "two"))


def test_corals_own_labels_and_normalization_are_read(shared_dir: Path) -> None:
    source = shared_dir / "data/edgetpu/compiled/source/mobilenet_v1_0.25_128_quant.tflite"
    labels = read_labels(source)
    assert len(labels) == 1001
    assert labels[0] == "background"
    assert read_normalization(source) == (127.5, 127.5)


def test_a_compiled_file_gets_its_sources_labels_and_keeps_its_package(shared_dir: Path, tmp_path: Path) -> None:
    folder = shared_dir / "data/edgetpu/compiled"
    compiled = tmp_path / "compiled.tflite"
    compiled.write_bytes((folder / "2019-09/mobilenet_v1_0.25_128_quant_edgetpu.tflite").read_bytes())
    assert read_labels(compiled) == ()
    before = read_graph(compiled)
    copy_description(folder / "source/mobilenet_v1_0.25_128_quant.tflite", compiled)
    assert len(read_labels(compiled)) == 1001
    assert [op.custom_options for op in read_graph(compiled).ops] == [op.custom_options for op in before.ops]


@pytest.mark.slow
def test_a_damaged_file_is_packed_again_or_refused_and_nothing_else(described: Path) -> None:
    content = bytearray(model_part(described.read_bytes()))
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        damaged = bytearray(content)
        for place in random.integers(8, len(damaged), 6):
            damaged[place] = random.integers(0, 256)
        try:
            pack_model(unpack_model(bytes(damaged)))
        except BadModel:
            refused += 1
    assert refused
