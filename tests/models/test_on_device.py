"""New classes on an embedding extractor: Coral's own one with real pictures, and one of a network of ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from command import main
from edgetpu.errors import BadModel
from edgetpu.rules import map_ops
from edgetpu.tflite import read_graph
from models.learning import Method, classify, learn, read_picture
from models.metadata import read_labels
from models.on_device import embedding_form, fit_softmax, imprint
from tests.models.networks import pictures_of_noise, write_network

CLASSES = ("cat", "dog", "hotdog")


@pytest.fixture
def extractor(shared_dir: Path) -> Path:
    return shared_dir / "data/edgetpu/compiled/source/mobilenet_v1_1.0_224_quant_embedding_extractor.tflite"


@pytest.fixture
def folder(shared_dir: Path, tmp_path: Path) -> Path:
    for name in CLASSES:
        (tmp_path / "classes" / name).mkdir(parents=True)
        for file in (shared_dir / "data/images/imprinting").glob(f"{name}_train_*"):
            shutil.copy(file, tmp_path / "classes" / name)
    return tmp_path / "classes"


def _unseen(shared_dir: Path) -> np.ndarray:
    files = [shared_dir / f"data/images/imprinting/{name}_test_0.bmp" for name in CLASSES]
    return np.stack([read_picture(file, (224, 224)) for file in files])


@pytest.mark.parametrize("method", ["imprinting", "regression"])
def test_four_pictures_are_enough_to_tell_cat_dog_and_hotdog(
    extractor: Path, folder: Path, shared_dir: Path, tmp_path: Path, method: Method
) -> None:
    learned = learn(extractor, folder, tmp_path / "new.tflite", method=method)
    assert (learned.classes, learned.pictures, learned.right) == (CLASSES, 4, 4)
    assert read_labels(learned.classifier) == CLASSES
    assert learned.labels.read_text() == "cat\ndog\nhotdog\n"
    probabilities = classify(learned.classifier, _unseen(shared_dir))
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2]
    assert probabilities.max(axis=1).min() > 0.7
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=0.02)


def test_the_written_head_answers_like_the_learned_one(
    extractor: Path, folder: Path, shared_dir: Path, tmp_path: Path
) -> None:
    from models.on_device import SHARPNESS, embeddings_of

    learned = learn(extractor, folder, tmp_path / "new.tflite")
    labels = np.array([0, 1, 2, 2])
    pictures = np.stack(
        [read_picture(each, (224, 224)) for name in CLASSES for each in sorted((folder / name).iterdir())]
    )
    head = imprint(embeddings_of(extractor, pictures), labels, 3)
    shown = embeddings_of(extractor, _unseen(shared_dir))
    logits = SHARPNESS * (shown / np.linalg.norm(shown, axis=1, keepdims=True)) @ head.weights.T
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classify(learned.classifier, _unseen(shared_dir)), wanted, atol=0.05)


def test_an_imprinted_file_is_one_that_corals_imprinting_engine_opens(
    extractor: Path, folder: Path, tmp_path: Path
) -> None:
    """As ValidateImprintingModel of libcoral checks it."""
    graph = read_graph(learn(extractor, folder, tmp_path / "new.tflite").classifier)
    assert [op.kind for op in graph.ops[-5:]] == ["L2_NORMALIZATION", "CONV_2D", "MUL", "RESHAPE", "SOFTMAX"]
    assert graph.results(graph.ops[-5])[0].shape == (1, 1, 1, 1024)
    assert graph.tensors[graph.outputs[0]].shape == (1, 3)
    assert graph.outputs == graph.ops[-1].outputs
    bias = graph.tensors[graph.ops[-4].inputs[2]]
    assert bias.quantization is not None
    assert bias.quantization.zero_points == (0,)


def test_a_compiled_extractor_gets_the_same_head_and_keeps_its_compiled_part(
    extractor: Path, folder: Path, shared_dir: Path, tmp_path: Path
) -> None:
    compiled = next((shared_dir / "data/edgetpu/compiled").rglob("*embedding_extractor_edgetpu.tflite"))
    learned = learn(extractor, folder, tmp_path / "new.tflite", method="regression", compiled=compiled)
    assert learned.compiled is not None
    on_cpu, on_chip, before = (read_graph(each) for each in (learned.classifier, learned.compiled, compiled))
    assert [op.kind for op in on_chip.ops] == ["CUSTOM", "FULLY_CONNECTED", "SOFTMAX"]
    assert on_chip.ops[0].custom_options == before.ops[0].custom_options
    for one, other in zip(on_cpu.ops[-2].inputs[1:], on_chip.ops[1].inputs[1:], strict=True):
        assert on_cpu.tensors[one].data == on_chip.tensors[other].data


def test_the_command_teaches_and_says_what_it_wrote(
    extractor: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["learn", str(extractor), str(folder), "-o", str(tmp_path / "new.tflite"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["classes"], answer["right"]) == (list(CLASSES), 4)
    assert Path(answer["classifier"]).is_file()


def test_a_folder_without_classes_and_a_file_that_is_no_extractor_are_refused(
    extractor: Path, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadModel, match="at least two classes"):
        learn(extractor, tmp_path / "empty", tmp_path / "new.tflite")
    with pytest.raises(BadModel, match="no embedding extractor"):
        learn(extractor.with_name("mobilenet_v1_0.25_128_quant.tflite"), folder, tmp_path / "new.tflite")
    (folder / "dog" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(BadModel, match=r"broken\.png cannot be read"):
        learn(extractor, folder, tmp_path / "new.tflite")
    assert not (tmp_path / "new.tflite").exists()


def test_softmax_regression_separates_what_can_be_separated() -> None:
    random = np.random.default_rng(0)
    middles, labels = random.normal(0, 3, (4, 20)), np.arange(80) % 4
    embeddings = middles[labels] + random.normal(0, 1, (80, 20))
    head = fit_softmax(embeddings, labels, 4)
    logits = embeddings @ head.weights.T + head.biases
    assert (logits.argmax(axis=1) == labels).all()
    assert (head.lowest, head.highest) == (logits.min(), logits.max())


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from models.extractor import EXTRACTOR_FILE, export_embedding_extractor

    folder = tmp_path_factory.mktemp("extractor")
    target = folder / EXTRACTOR_FILE
    export_embedding_extractor(write_network(folder / "checkpoint.keras"), pictures_of_noise(), target)
    return target


@pytest.mark.slow
def test_an_extractor_of_ours_is_one_partition_that_new_classes_can_be_learned_on(ours: Path, tmp_path: Path) -> None:
    from PIL import Image

    assert all(verdict.mapped for verdict in map_ops(read_graph(ours)))
    assert embedding_form(ours)[0] == 16
    for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        (tmp_path / "classes" / name).mkdir(parents=True)
        for number in range(3):
            noise = np.random.default_rng(number).integers(-20, 20, (20, 20, 3))
            picture = (np.array(colour) + noise).clip(0, 255).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "classes" / name / f"{number}.png")
    learned = learn(ours, tmp_path / "classes", tmp_path / "new.tflite", method="regression")
    assert (learned.classes, learned.right) == (("blue", "red"), 6)
