"""What a machine kept only for a while goes when no row needs it any more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from marketplace.datasets.services import delete_version
from marketplace.runs.models import Run, Trial
from tests.factories import make_run, make_user, make_version
from workers.steps.pictures import cache_folder
from workers.tidying import tidy

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def test_the_copy_of_a_deleted_dataset_goes_and_others_stay() -> None:
    person = make_user()
    kept, deleted = make_version(person), make_version(person)
    folders = [cache_folder(kept), cache_folder(deleted)]
    for folder in folders:
        (folder / "64px").mkdir(parents=True)
    delete_version(version=deleted)
    assert tidy() == [folders[1]]
    assert [folder.exists() for folder in folders] == [True, False]


def test_the_folder_of_an_ended_trial_goes_and_that_of_a_live_one_stays(data_dir: Path) -> None:
    run = make_run(make_user(), status=Run.Status.SEARCHING)
    live = Trial.objects.create(run=run, number=2, status=Trial.Status.RUNNING)
    ended = Trial.objects.create(run=run, number=3, status=Trial.Status.CANCELLED)
    for trial in (live, ended):
        (data_dir / "scratch" / "trials" / str(trial.pk)).mkdir(parents=True)
    tidy()
    assert [folder.name for folder in (data_dir / "scratch" / "trials").iterdir()] == [str(live.pk)]


def test_a_machine_that_has_kept_nothing_is_tidy() -> None:
    assert tidy() == []


def test_the_folder_of_a_killed_step_goes_after_a_day(data_dir: Path) -> None:
    old, new = (data_dir / "scratch" / "checks" / name for name in ("7-1", "8-1"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    assert tidy() == [old]
    assert new.exists()
