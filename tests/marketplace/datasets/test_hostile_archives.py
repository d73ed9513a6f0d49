"""Whatever bytes come: a sentence or a dataset, in bounded time and memory, and never another exception."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.datasets.archive import open_archive
from marketplace.datasets.checking import check_archive
from marketplace.datasets.findings import Findings
from marketplace.datasets.layout import read_layout
from marketplace.datasets.pictures import Unusable, decode, strict_pillow
from marketplace.errors import BadInput
from tests.marketplace.datasets import archives
from tests.marketplace.datasets.archives import encoded, good_files, noise, picture, png_claiming, zip_of

SMALL = zip_of({name: picture(7, 8) for name in ("a/1.png", "a/2.png", "b/1.png")})
SEEDS = {
    "JPEG": encoded(noise(1), "JPEG"),
    "PNG": picture(2),
    "WEBP": encoded(noise(3), "WEBP"),
    "BMP": encoded(noise(4), "BMP"),
    "GIF": archives.animated_gif(),
    "TIFF": encoded(noise(5), "TIFF", compression="tiff_lzw"),
}
calm = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """The original with some bytes changed, a piece cut out or doubled."""
    content = bytearray(original)
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(content) - 1))
        content[at] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(content) - 1))
        length = draw(st.integers(0, 60))
        content[cut : cut + length] = draw(st.binary(max_size=60))
    return bytes(content)


@calm
@given(content=mutated(SMALL))
def test_a_mutated_archive_is_read_or_refused(content: bytes, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(content)
    begun = time.process_time()
    with pytest.raises(BadInput) as refusal:  # three pictures are too few in any case
        check_archive(archive, tmp_path, lambda told: None, max_pictures=100)
    assert refusal.value.sentence.endswith(".")
    assert refusal.value.sentence.isprintable()
    assert time.process_time() - begun < 5


@calm
@given(content=st.binary(max_size=300))
def test_any_bytes_are_no_archive(content: bytes, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(content)
    with pytest.raises(BadInput), open_archive(archive, max_pictures=100):
        pass


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)


@calm
@given(paths=st.lists(st.lists(names, min_size=1, max_size=4).map("/".join), min_size=1, max_size=12, unique=True))
def test_any_names_are_read_or_refused(paths: list[str]) -> None:
    import io
    import zipfile

    sink = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(sink, "w") as written:
        warnings.simplefilter("ignore")
        for path in paths:
            written.writestr(path + ".png", b"x")
    sink.seek(0)
    sentence, classes = "", 2
    try:
        with open_archive(sink, max_pictures=100) as archive:
            classes = len({one.class_name for one in read_layout(archive.infolist(), Findings())})
    except BadInput as refusal:
        sentence = refusal.sentence
    assert sentence == "" or (sentence.isprintable() and len(sentence) < 800)
    assert classes >= 2


@pytest.mark.parametrize("kind", SEEDS)
@calm
@given(data=st.data())
def test_a_mutated_picture_is_decoded_or_refused(kind: str, data: st.DataObject) -> None:
    content = data.draw(mutated(SEEDS[kind]))
    with strict_pillow():
        try:
            image = decode(content).image
        except Unusable:
            return
    assert image.mode == "RGB"
    assert image.width * image.height <= 25_000_000


BOUNDED = """
import resource, sys
from pathlib import Path
from marketplace.datasets.checking import check_archive
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
checked = check_archive(Path(sys.argv[1]), Path(sys.argv[2]), lambda told: None, max_pictures=1000)
print(checked["statistics"]["pictures"], sorted(one["kind"] for one in checked["findings"]))
"""


def test_hostile_pictures_stay_within_a_gigabyte(tmp_path: Path) -> None:
    """50,000 × 50,000 decoded would take 7.5 GB."""
    bombs = {f"circle/{n}.png": png_claiming(50_000, 50_000 + n) for n in range(20)}
    bombs |= {f"circle/{n}.gif": b"GIF89a\xff\xff\xff\xff" + bytes(20) for n in range(2)}
    bombs["square/flat.png"] = encoded(noise(3).resize((4900, 4900), 0).point(lambda value: 7))
    archive = tmp_path / "a.zip"
    archive.write_bytes(zip_of({**good_files(), **bombs}))
    command = [sys.executable, "-c", BOUNDED, str(archive), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={"PYTHONPATH": "."})
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("25 ")
    assert "too-large" in done.stdout
