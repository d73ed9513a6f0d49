"""Single files that are left out or converted; the dataset goes on without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from marketplace.datasets.findings import KINDS, NAME_CHARS, NAMES_KEPT, Findings, show
from marketplace.datasets.pictures import Unusable, decode, strict_pillow
from tests.marketplace.datasets import archives
from tests.marketplace.datasets.archives import encoded, good_files, noise, picture, zip_of
from tests.marketplace.datasets.conftest import Checker

ONE: dict[str, tuple[str, bytes, str, str]] = {
    "truncated JPEG": ("x.jpg", encoded(noise(900), "JPEG")[:400], "undecodable", "the file is cut short"),
    "truncated PNG": ("x.png", picture(901)[:300], "undecodable", "the file is cut short"),
    "text": (
        "x.jpg",
        b"this is not a picture",
        "undecodable",
        "its content is none of JPEG, PNG, WebP, BMP, GIF, TIFF",
    ),
    "empty": ("x.jpg", b"", "undecodable", "its content is none of JPEG, PNG, WebP, BMP, GIF, TIFF"),
    "50,000 × 50,000": ("x.png", archives.png_claiming(50_000, 50_000), "too-large", "2,500 megapixels"),
    "26 megapixels": ("x.png", archives.png_claiming(5200, 5000), "too-large", "26 megapixels"),
    "3,000 scans": (
        "x.jpg",
        archives.jpeg_of_many_scans(),
        "undecodable",
        "it has more than 100 scans; save it as an ordinary JPEG",
    ),
    "narrow": ("x.png", encoded(Image.new("RGB", (7, 40))), "too-small", "7 × 40 px"),
    "HEIC": ("x.heic", b"\0\0\0\x18ftypheic", "foreign-format", ""),
    "PPM in disguise": (
        "x.png",
        encoded(noise(902), "PPM"),
        "undecodable",
        "its content is none of JPEG, PNG, WebP, BMP, GIF, TIFF",
    ),
}
CONVERTED: dict[str, tuple[str, bytes, list[str]]] = {
    "animated GIF": ("x.gif", archives.animated_gif(), ["animated", "palette"]),
    "CMYK": ("x.jpg", encoded(noise(910, mode="CMYK"), "JPEG"), ["cmyk"]),
    "16 bit": ("x.png", archives.deep_grey(), ["sixteen-bit"]),
    "16 bit TIFF": ("x.tif", encoded(Image.fromarray(np.full((9, 9), 65_535, np.uint16)), "TIFF"), ["sixteen-bit"]),
    "palette": ("x.png", encoded(noise(911, mode="P")), ["palette"]),
    "alpha": ("x.png", archives.transparent_png(), ["alpha"]),
    "EXIF": ("x.jpg", archives.turned_jpeg(), ["turned"]),
    "JPEG called png": ("x.png", encoded(noise(912), "JPEG"), ["other-extension"]),
    "WebP": ("x.webp", encoded(noise(913), "WEBP"), []),
    "progressive": ("x.jpg", encoded(noise(917), "JPEG", progressive=True), []),
    "grey": ("x.png", encoded(noise(914, mode="L")), []),
    "black and white": ("x.bmp", encoded(noise(915, mode="1"), "BMP"), []),
    "no ending": ("x", picture(916), []),
}


def kinds(checked: dict[str, Any]) -> dict[str, int]:
    return {one["kind"]: one["count"] for one in checked["findings"]}


@pytest.mark.parametrize("case", ONE)
def test_a_file_that_cannot_be_used_is_left_out_with_its_reason(case: str, check: Checker) -> None:
    name, content, kind, detail = ONE[case]
    checked = check(zip_of({**good_files(), f"circle/{name}": content}))
    assert kinds(checked) == {kind: 1}
    assert checked["findings"][0]["names"] == [f"circle/{name}: {detail}" if detail else f"circle/{name}"]
    assert checked["statistics"]["pictures"] == 24


@pytest.mark.parametrize("case", CONVERTED)
def test_an_unusual_picture_is_converted_and_used(case: str, check: Checker) -> None:
    name, content, expected = CONVERTED[case]
    checked = check(zip_of({**good_files(), f"circle/{name}": content}))
    assert sorted(kinds(checked)) == sorted(expected)
    assert checked["statistics"]["pictures"] == 25


def test_copies_within_a_class_leave_one(check: Checker) -> None:
    checked = check(zip_of({**good_files(), "circle/a.png": picture(1), "circle/b.png": picture(1)}))
    assert kinds(checked) == {"duplicate": 2}
    assert checked["statistics"]["pictures"] == 24


def test_a_copy_in_another_format_is_a_copy(check: Checker) -> None:
    checked = check(zip_of({**good_files(), "circle/a.bmp": encoded(noise(1), "BMP")}))
    assert kinds(checked) == {"duplicate": 1}


def test_the_same_picture_in_two_classes_is_left_out_of_both(check: Checker) -> None:
    checked = check(zip_of({**good_files(), "square/again.png": picture(1)}))
    assert kinds(checked) == {"contradictory": 2}
    assert checked["findings"][0]["names"] == [
        "circle/0001.png: the same as square/again.png",
        "square/again.png: the same as circle/0001.png",
    ]
    assert checked["statistics"]["pictures"] == 23


def test_system_files_are_one_line_and_no_bother(check: Checker) -> None:
    clutter = {f"__MACOSX/circle/._{n}.png": b"x" for n in range(50)} | {
        "circle/.DS_Store": b"x",
        "square/Thumbs.db": b"x",
        ".hidden": b"x",
        ".git/config": b"x",
        "notes.txt": b"x",
        "square/labels.csv": b"x",
    }
    checked = check(zip_of({**good_files(), **clutter}))
    assert kinds(checked) == {"hidden": 54, "not-picture": 2}
    assert all(len(one["names"]) <= NAMES_KEPT for one in checked["findings"])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_listed_twice_counts_once(check: Checker) -> None:
    import io
    import zipfile

    sink = io.BytesIO(zip_of(good_files()))
    with zipfile.ZipFile(sink, "a") as archive:
        archive.writestr("circle/0001.png", picture(4000))
    assert kinds(check(sink.getvalue())) == {"listed-twice": 1}


def test_a_damaged_byte_in_the_zip_is_a_damaged_picture(check: Checker) -> None:
    import zipfile

    content = bytearray(zip_of(good_files(), zipfile.ZIP_STORED))
    content[content.index(b"IDAT") + 100] ^= 255
    checked = check(bytes(content))
    assert checked["findings"][0]["names"] == ["circle/0000.png: its bytes in the ZIP are damaged"]


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    with strict_pillow():
        pixels = np.asarray(decode(archives.deep_grey(0)).image)
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[-1, -1].tolist() == [255, 255, 255]
    assert 120 < pixels[12, 0, 0] < 136


def test_transparent_parts_become_white() -> None:
    with strict_pillow():
        assert np.asarray(decode(archives.transparent_png()).image).min() == 255


def test_a_turned_photo_stands_upright() -> None:
    with strict_pillow():
        assert decode(archives.turned_jpeg()).image.size == (16, 32)


def test_of_an_animation_the_first_frame_is_used() -> None:
    with strict_pillow():
        image = decode(archives.animated_gif()).image
    assert np.array_equal(np.asarray(image), np.asarray(noise(501, mode="P").convert("RGB")))


def test_a_photo_with_a_preview_inside_is_a_jpeg_and_not_animated() -> None:
    two = [noise(920), noise(921)]
    content = encoded(two[0], "MPO", save_all=True, append_images=two[1:])
    with strict_pillow():
        picture = decode(content)
    assert picture.format == "JPEG"
    assert picture.changes == ()


def test_floating_point_pixels_are_refused_in_words() -> None:
    with strict_pillow(), pytest.raises(Unusable, match="save it with 8 bits"):
        decode(encoded(Image.fromarray(np.zeros((9, 9), np.float32)), "TIFF"))


def test_every_kind_can_be_noted_and_says_what_was_done() -> None:
    findings = Findings()
    for kind in KINDS:
        findings.note(kind, "a/b.png")
    assert [one["kind"] for one in findings.as_list()] == list(KINDS)
    assert all(one["sentence"].endswith(".") for one in findings.as_list())


@pytest.mark.parametrize("name", ["x" * 5000, "a\nb\x1b[31m\u202e", "\ud800".encode("utf-8", "replace").decode()])
def test_a_strangers_file_name_is_short_and_printable(name: str) -> None:
    assert show(name).isprintable()
    assert len(show(name)) <= NAME_CHARS
