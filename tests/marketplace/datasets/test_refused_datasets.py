"""Datasets that are refused after the upload, when the worker looks at names and pictures."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from django.test import Client

from marketplace.datasets.checking import check_archive
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import BadInput
from tests.marketplace.datasets.archives import encoded, good_files, noise, picture, png_claiming, zip_of
from tests.marketplace.datasets.conftest import Checker, files_in, form

Files = dict[str, bytes | None]


def renamed(old: str, new: str) -> Files:
    return {name.replace(f"{old}/", f"{new}/", 1): content for name, content in good_files().items()}


def without(count: int, name: str = "circle") -> Files:
    files: Files = dict(good_files())
    for key in [key for key in files if key.startswith(name)][:count]:
        del files[key]
    return files


def damaged(count: int) -> Files:
    files: Files = dict(good_files(per_class=40))
    for key in sorted(files)[:count]:
        files[key] = picture(1)[:200]
    return files


REFUSED: dict[str, tuple[Callable[[], Files], str]] = {
    "one class": (lambda: dict(good_files(classes=("cats",))), "There is only one class, “cats”"),
    "one class in a top folder": (
        lambda: {f"data/{name}": content for name, content in good_files(classes=("cats",)).items()},
        "There is only one class, “cats”",
    ),
    "empty class": (lambda: {**good_files(), "triangle/": None}, "The class folder “triangle” holds no picture."),
    "class of other files": (
        lambda: {**good_files(), "triangle/notes.txt": b"x"},
        "The class folder “triangle” holds no picture.",
    ),
    "too few": (lambda: without(3), "The class “circle” has 9 usable pictures; at least 10 are needed."),
    "too few, because damaged": (
        lambda: {**without(4), **{f"circle/bad{n}.png": picture(1)[:99] for n in range(3)}},
        "The class “circle” has 8 usable pictures (3 damaged); at least 10 are needed.",
    ),
    "differ by case": (
        lambda: {**good_files(), **{f"Circle/{n}.png": picture(n + 50) for n in range(12)}},
        "The class names “Circle” and “circle” differ only by capital letters",
    ),
    "differ by encoding": (
        lambda: {
            **{f"cafe\u0301/{n}.png": picture(n) for n in range(12)},
            **{f"CAF\u00c9/{n}.png": picture(n + 50) for n in range(12)},
        },
        "differ only by capital letters or in how they are written",
    ),
    "slash": (
        lambda: renamed("circle", "round/circle"),
        "A class name may not contain a slash: “round/circle/0000.png”",
    ),
    "emoji": (lambda: renamed("circle", "circle\U0001f600"), "contains the character U+1F600 (grinning face)"),
    "control character": (lambda: renamed("circle", "cir\u202ecle"), "contains the character U+202E"),
    "leading dot": (lambda: renamed("circle", ".circle"), "The class name “.circle” begins with a dot."),
    "trailing space": (lambda: renamed("circle", "circle "), "begins or ends with a space"),
    "markup": (lambda: renamed("circle", "<script>"), "contains “<”; letters, digits"),
    "too long": (lambda: renamed("circle", "c" * 61), "has 61 characters, more than 60"),
    "no picture": (lambda: {"a/notes.txt": b"x", "b/more.csv": b"y"}, "There is no picture in this ZIP."),
    "nothing": (dict, "There is no picture in this ZIP."),
    "no folder": (
        lambda: {f"{n}.png": picture(n) for n in range(30)},
        "30 pictures lie outside of any class folder: “0.png”, “1.png”, “2.png” and 27 more.",
    ),
    "split already": (
        lambda: {f"{part}/{name}": content for part in ("train", "test") for name, content in good_files().items()},
        "This ZIP is split already (test, train).",
    ),
    "broken copy": (
        lambda: damaged(5),
        "5 of 80 pictures are damaged, so the ZIP was probably made from a broken copy",
    ),
    "all too large": (
        lambda: {**without(12), **{f"circle/{n}.png": png_claiming(50_000, 50_000) for n in range(12)}},
        "The class “circle” has 0 usable pictures (12 over 25 megapixels)",
    ),
    "the same in both": (
        lambda: {f"{name}/{n}.png": picture(n) for name in ("a", "b") for n in range(12)},
        "The class “a” has 0 usable pictures (12 also in another class)",
    ),
    "one picture again and again": (
        lambda: {**without(12), **{f"circle/{n}.png": picture(1) for n in range(12)}},
        "The class “circle” has 1 usable pictures (11 copies)",
    ),
    "text called jpg": (
        lambda: {**without(12), **{f"circle/{n}.jpg": b"hello" for n in range(12)}},
        "12 of 24 pictures are damaged",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_checking_refuses_in_words(case: str, check: Checker) -> None:
    make, sentence = REFUSED[case]
    with pytest.raises(BadInput) as refusal:
        check(zip_of(make()))
    assert sentence in refusal.value.sentence
    assert len(refusal.value.sentence) < 500


@pytest.mark.parametrize("case", ["one class", "markup", "broken copy"])
def test_a_refused_dataset_keeps_the_sentence_and_no_bytes(
    case: str,
    program: Client,
    page: Client,
    files_dir: Path,
    work: Callable[[DatasetVersion], DatasetVersion],
) -> None:
    make, sentence = REFUSED[case]
    address = program.post("/api/datasets", form(zip_of(make())))["Location"]
    version = work(DatasetVersion.objects.get())
    shown = program.get(address).json()
    assert shown["status"] == "refused"
    assert sentence in shown["refusal"]
    html = page.get(version.get_absolute_url()).content.decode()
    assert sentence in unescape(html)
    assert "<script>”" not in html
    assert files_in(files_dir) == []
    assert version.archive_key == ""


def test_what_was_noticed_of_a_refused_dataset_is_kept(
    program: Client, work: Callable[[DatasetVersion], DatasetVersion]
) -> None:
    program.post("/api/datasets", form(zip_of(damaged(5))))
    version = work(DatasetVersion.objects.get())
    assert [(one["kind"], one["count"]) for one in version.findings] == [("undecodable", 5)]


def test_a_refused_archive_may_be_sent_again(program: Client, work: Callable[[DatasetVersion], DatasetVersion]) -> None:
    content = zip_of(good_files(classes=("only",)))
    program.post("/api/datasets", form(content))
    work(DatasetVersion.objects.get())
    assert program.post("/api/datasets", form(content)).json()["version"] == 2


def test_more_pictures_than_the_site_takes_are_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(zip_of(good_files()))
    with pytest.raises(BadInput, match="This ZIP holds 24 pictures; this site takes up to 20"):
        check_archive(archive, tmp_path, lambda told: None, max_pictures=20)


def test_names_with_letters_of_any_script_are_classes(check: Checker) -> None:
    names = ("Blattbräune", "稻瘟病", "धान", "a-b_c.d (e)+,1")
    checked = check(zip_of(good_files(classes=names)))
    assert checked["classes"] == sorted(names)


def test_a_common_top_folder_is_stripped(check: Checker) -> None:
    inside = {f"my data/{name}": content for name, content in good_files().items()}
    checked = check(zip_of({"my data/": None, **inside, "my data/readme.txt": b"x", "__MACOSX/my data/._x.png": b"x"}))
    assert checked["classes"] == ["circle", "square"]


def test_a_large_png_that_is_one_colour_is_no_bomb(check: Checker) -> None:
    white = encoded(noise(1).resize((3000, 3000)).point(lambda value: 255), "BMP")
    checked = check(zip_of({**good_files(), "circle/white.bmp": white}))
    assert checked["statistics"]["pictures"] == 25
