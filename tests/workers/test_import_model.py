"""A model goes from its upload to int8 files, figures and sentences, in a cell, as a worker does it."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from marketplace.datasets.checking import check_archive
from marketplace.imports import services
from marketplace.imports.models import Import
from marketplace.storage import store_path
from marketplace.work import lifecycle
from marketplace.work.models import Event, Step
from tests.factories import make_user, make_version
from tests.pictures import picture, zip_of_classes
from workers.errors import StepFailed
from workers.job_process import Cell, JobProcess
from workers.jobs import import_model
from workers.jobs.import_judging import labels_of, quantized_pixels, true_answers, why_not_judged
from workers.jobs.import_pictures import Pictures
from workers.steps import import_model as step
from workers.tasks import carry_out

pytestmark = pytest.mark.slow
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A dataset of three classes as a job gets it."""
    folder = tmp_path_factory.mktemp("dataset")
    archive = zip_of_classes(folder / "a.zip", classes=3, pictures=20)
    checked = check_archive(archive, folder, lambda progress: None, max_pictures=100)
    return {"archive": str(archive), "manifest": str(checked["manifest"])}


@pytest.fixture
def look(tmp_path: Path) -> Run:
    """Open a file as the job does, in this process."""

    def run(path: Path, **job: Any) -> dict[str, Any]:
        plain = {"pixels": "auto", "labels": [], "device": "devboard", "seed": 0, "archive": "", "manifest": ""}
        out_dir = tmp_path / "out"
        whole = {"file": str(path), "name": path.name, "out_dir": str(out_dir), **plain, **job}
        return json.loads(json.dumps(import_model.run(whole, lambda progress: None)))

    return run


def class_pictures() -> tuple[np.ndarray, np.ndarray]:
    """Pictures of three classes that no test split has, and their labels."""
    images = [np.asarray(Image.open(io.BytesIO(picture(at % 3, 100 + at))).resize((16, 16))) for at in range(120)]
    return np.stack(images).astype(np.float32), np.arange(120) % 3


@cache
def trained(rescaling: bool) -> Any:
    """A network that tells the classes of `tests.pictures` apart."""
    import keras

    from tests.models.foreign_files import network

    model, (images, labels) = network(rescaling=rescaling), class_pictures()
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(images if rescaling else images / 255, labels, epochs=40, batch_size=40, verbose=0)
    return model


def test_a_float_network_is_quantized_judged_and_told_how_it_reads_pixels(
    look: Run, pictures: dict[str, str], tmp_path: Path
) -> None:
    from tests.models.foreign_files import as_keras

    found = look(as_keras(trained(rescaling=False), tmp_path), **pictures)
    assert (found["kind"], found["format"], found["original"]) == ("float", "keras", "original.keras")
    assert found["files"] == ["model_int8.tflite", "model_uint8.tflite", "labels.txt"]
    assert (tmp_path / "out" / "labels.txt").read_text() == "class0\nclass1\nclass2\n"
    assert found["notes"][0].startswith("It reads pixel / 255, so 0 to 1: found out by trying, ")
    figures = found["validation"]
    assert figures["pictures"] == 9
    assert figures["float_accuracy"] > 0.8
    assert abs(figures["float_accuracy"] - figures["int8_accuracy"]) <= 2 / 9
    assert [row["name"] for row in figures["per_class"]] == ["class0", "class1", "class2"]
    assert np.sum(figures["confusion"]) == 9
    assert found["quantization"]["calibration_count"] == 42
    assert found["quantization"]["int8"]["input"]["feed"] == "the pixel minus 128"
    assert found["quantization"]["uint8"]["input"]["feed"] == "the pixel as it is, 0 to 255"
    assert found["estimate"]["ops_on_cpu"] == []
    assert found["estimate"]["parameters"] == 127
    times = [device["ms"] for device in found["estimate"]["devices"]]
    assert times == sorted(times)
    assert len(times) > 3
    assert found["compilation"]["state"] == "not_compiled"


def test_without_a_dataset_a_float_network_is_only_looked_at(look: Run, tmp_path: Path) -> None:
    from tests.models.foreign_files import as_keras, network

    found = look(as_keras(network(), tmp_path), labels=["a", "b", "c"])
    assert found["files"] == ["labels.txt"]
    assert found["validation"] == {}
    assert found["notes"] == [
        "Without a dataset it was only looked at: memory, time and operations are those that its int8 form will have. "
        "Bring it again with one of your datasets for files that the Edge TPU runs."
    ]
    assert found["quantization"]["int8"]["input"] == {
        "dtype": "",
        "shape": [1, 16, 16, 3],
        "scale": None,
        "zero_point": None,
        "feed": "",
    }


def test_a_quantized_file_is_looked_at_and_judged_as_it_is(look: Run, pictures: dict[str, str], tmp_path: Path) -> None:
    from tests.models.foreign_files import as_tflite

    path = as_tflite(trained(rescaling=True), tmp_path, class_pictures()[0][:40])
    found = look(path, **pictures)
    assert (found["kind"], found["original"], found["files"]) == ("quantized", "model_int8.tflite", ["labels.txt"])
    assert found["validation"]["int8_accuracy"] > 0.8
    assert found["preprocessing"] == "the pixel minus 128"
    assert found["notes"][0].startswith("If it was trained elsewhere on pictures that are among these test pictures")
    assert found["compilation"]["sentence"].startswith("Not compiled. Compile model_int8.tflite with Coral's")


def test_published_and_compiled_files_are_read(look: Run, shared_dir: Path) -> None:
    published = look(shared_dir / "data/pretrained/tf2_mobilenet_v2_1.0_224_ptq.tflite")
    assert published["original"] == "model_uint8.tflite"
    assert published["estimate"]["sentence"] == "All 68 operations can run on the Edge TPU."
    assert 290e6 < published["estimate"]["macs"] < 310e6
    folder = shared_dir / "data/edgetpu/compiled"
    compiled = look(next(iter(sorted((folder / "2021-05").glob("mobilenet*_edgetpu.tflite")))))
    assert compiled["kind"] == "compiled"
    assert compiled["compilation"]["state"] == "compiled"
    assert compiled["original"] == "model_uint8_edgetpu.tflite"
    assert compiled["estimate"]["sentence"].startswith("This file was compiled for the Edge TPU already: 1 part of it")
    assert "latency_ms" not in compiled["estimate"]
    assert compiled["quantization"]["uint8"]["input"]["feed"] == "the pixel as it is, 0 to 255"


def test_a_published_file_with_operations_for_the_cpu_says_which(look: Run, shared_dir: Path) -> None:
    found = look(shared_dir / "data/edgetpu/compiled/source/deeplabv3_mnv2_dm05_pascal_quant.tflite")
    facts = found["estimate"]
    assert facts["ops"] - facts["ops_mapped"] == len(facts["ops_on_cpu"]) > 0
    assert (
        f"{facts['ops_mapped']} of {facts['ops']} operations run on the Edge TPU; these do not: “" in facts["sentence"]
    )


def some_pictures(*classes: str) -> Pictures:
    images, labels = np.zeros((2, 4, 4, 3), np.uint8), np.array([0, len(classes) - 1])
    return Pictures(classes, images, labels, images, labels)


def test_why_a_model_was_not_judged_is_a_sentence() -> None:
    assert why_not_judged(some_pictures("a", "b"), ["a", "b"], 2) == ""
    assert why_not_judged(None, [], None) == ""
    assert "only classifiers are" in why_not_judged(some_pictures("a", "b"), [], None)
    assert "has 1,000 answers and the dataset 2 classes" in why_not_judged(some_pictures("a", "b"), [], 1000)
    assert "class “b” is not among the labels" in why_not_judged(some_pictures("a", "b"), ["a", "c"], 2)


def test_classes_are_found_among_more_labels_whatever_their_case() -> None:
    right = true_answers(["cat", "dog"], np.array([0, 1, 1]), ["Bird", "Dog", "Cat"])
    assert right is not None
    assert right.tolist() == [2, 1, 1]


def test_labels_must_be_as_many_as_answers() -> None:
    with pytest.raises(Exception, match="You gave 2 labels, and the model has 3 answers"):
        labels_of(["a", "b"], None, 3)


@pytest.mark.django_db(transaction=True)
def test_a_worker_opens_a_model_in_a_cell_and_keeps_what_was_made(tmp_path: Path, pictures: dict[str, str]) -> None:
    from tests.models.foreign_files import as_saved_model

    owner = make_user()
    version = make_version(
        owner,
        classes=["class0", "class1", "class2"],
        archive_key=store_path(Path(pictures["archive"]), "datasets").key,
        manifest_key=store_path(Path(pictures["manifest"]), "datasets").key,
    )
    upload = SimpleUploadedFile("net.zip", as_saved_model(trained(rescaling=True), tmp_path).read_bytes())
    brought = services.bring_model(owner=owner, name="mine", upload=upload, dataset_version=version)
    lease = lifecycle.claim(Step.Needs.CPU, "a worker")
    assert lease is not None
    carry_out(lease)
    brought.refresh_from_db()
    assert brought.status == Import.Status.READY, brought.refusal
    assert Step.objects.get(pk=lease.step_id).status == Step.Status.DONE
    names = [file.name for file in brought.files.all()]
    assert names == ["labels.txt", "model_int8.tflite", "model_uint8.tflite", "saved_model.zip"]
    assert brought.validation["int8_accuracy"] > 0.8
    assert Event.objects.filter(about="import", subject=brought.pk).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_refused_model_keeps_its_sentence_and_loses_its_bytes() -> None:
    from django.core.files.storage import default_storage

    upload = SimpleUploadedFile("net.keras", b"my notes\n")
    brought = services.bring_model(owner=make_user(), name="mine", upload=upload)
    key = brought.file_key
    lease = lifecycle.claim(Step.Needs.CPU, "a worker")
    assert lease is not None
    carry_out(lease)
    brought.refresh_from_db()
    assert brought.status == Import.Status.REFUSED
    assert brought.refusal.startswith("“net.keras” is a text file, not a model, whatever its name says.")
    assert not default_storage.exists(key)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "forged",
    [
        {"files": ["../../secret.key"], "original": "original.keras"},
        {"files": ["labels.txt"], "original": "/etc/shadow"},
        {"files": ["labels.txt"], "original": "original.keras"},
    ],
)
def test_what_a_hostile_model_answers_for_the_job_is_not_believed(forged: dict[str, Any], tmp_path: Path) -> None:
    secret = tmp_path / "secret.key"
    secret.write_text("of the site")
    out_dir = tmp_path / "out"
    out_dir.mkdir()
    (out_dir / "labels.txt").symlink_to(secret)
    brought = Import(file_key="imports/aa/aa", file_sha256="a" * 64, file_bytes=1)
    with pytest.raises(StepFailed, match="stopped the program that opens models"):
        step._kept(brought, forged, out_dir)


def test_a_job_in_a_cell_reads_what_it_is_given_and_says_why_not(tmp_path: Path) -> None:
    shutil.copy(__file__, tmp_path / "upload")
    job = {"job": "import_model", "file": str(tmp_path / "upload"), "name": "m.py", "out_dir": str(tmp_path / "out")}
    with JobProcess(cell=Cell(tmp_path)) as process, pytest.raises(StepFailed, match=r"“m\.py” is a text file"):
        process.run(job, lambda progress: None, lambda: True, 120)


@pytest.mark.parametrize(("dtype", "zero_point"), [("uint8", 127), ("uint8", 128), ("int8", 0), ("int8", -1)])
def test_a_half_step_of_rounding_does_not_hide_that_pixels_go_in_as_they_are(dtype: str, zero_point: int) -> None:
    from edgetpu.graph import Quantization, Tensor
    from models.pixels import RANGES
    from workers.jobs.import_facts import fed

    tensor = Tensor("image", (1, 4, 4, 3), dtype, Quantization((1 / 127.5,), (zero_point,)))
    assert fed(tensor, RANGES["signed"]) in ("the pixel as it is, 0 to 255", "the pixel minus 128")
    assert fed(tensor, RANGES["unit"]) == f"(pixel / 255, so 0 to 1) / 0.00784314 + {zero_point}, rounded"


def test_the_table_of_pixels_is_that_of_the_files_scale() -> None:
    from edgetpu.graph import Quantization, Tensor
    from models.pixels import RANGES

    tensor = Tensor("image", (1, 4, 4, 3), "uint8", Quantization((1 / 128,), (127,)))
    assert quantized_pixels(tensor, RANGES["atoll"]).tolist() == list(range(256))
