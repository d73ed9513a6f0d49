"""Archives to test with: real ZIPs of real pictures, and every way to break them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ("circle", "square")
DATED = (2026, 1, 1, 0, 0, 0)
"""When every file of an archive was changed: archives that are made of the same files are the same bytes."""


def noise(seed: int, px: int = 24, mode: str = "RGB") -> Image.Image:
    """A picture that resembles no other: random colours."""
    pixels = np.random.default_rng(seed).integers(0, 256, (px, px, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def picture(seed: int, px: int = 24) -> bytes:
    return encoded(noise(seed, px))


def good_files(per_class: int = 12, classes: tuple[str, ...] = CLASSES, px: int = 24) -> dict[str, bytes]:
    return {
        f"{name}/{number:04}.png": picture(1000 * label + number, px)
        for label, name in enumerate(classes)
        for number in range(per_class)
    }


def zip_of(files: Mapping[str, bytes | None], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Pack files; None makes a folder. The same files give the same bytes, whenever they are packed."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, content in files.items():
            folder = "" if content is not None or name.endswith("/") else "/"
            archive.writestr(zipfile.ZipInfo(name + folder, DATED), content or b"", method)
    return sink.getvalue()


def good_zip(**options: Any) -> bytes:
    return zip_of(good_files(**options))


def patched(content: bytes, mark: bytes, offset: int, value: bytes, *, which: int = 0) -> bytes:
    """Overwrite bytes behind the n-th record that begins with `mark`."""
    at = -1
    for _ in range(which + 1):
        at = content.index(mark, at + 1)
    at += offset
    return content[:at] + value + content[at + len(value) :]


CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def encrypted_zip() -> bytes:
    """The flag that says "encrypted", in both places."""
    content = patched(good_zip(), CENTRAL, 8, b"\x01\x00")
    return patched(content, LOCAL, 6, b"\x01\x00")


def overlapping_zip() -> bytes:
    """Two entries that point to the same bytes."""
    content = zip_of(good_files())
    first = content[content.index(CENTRAL) + 42 :][:4]
    return patched(content, CENTRAL, 42, first, which=1)


def symlink_zip() -> bytes:
    sink = io.BytesIO(good_zip())
    with zipfile.ZipFile(sink, "a") as archive:
        link = zipfile.ZipInfo("circle/passwd.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return sink.getvalue()


def named_zip(name: str, content: bytes = b"x") -> bytes:
    """A good archive with one more entry under exactly this name."""
    sink = io.BytesIO(good_zip())
    with zipfile.ZipFile(sink, "a") as archive:
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = entry.orig_filename = name
        archive.writestr(entry, content)
    return sink.getvalue()


def bomb_zip(mib: int = 60) -> bytes:
    """One file of zeros, a thousand times smaller packed."""
    return zip_of({**good_files(), "circle/big.bmp": bytes(mib * 2**20)})


def many_small_bombs_zip() -> bytes:
    """No entry is large, together they are."""
    return zip_of({f"circle/{number}.bmp": bytes(2**20) for number in range(60)})


def lzma_zip() -> bytes:
    return zip_of(good_files(), zipfile.ZIP_LZMA)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def deep_grey(seed: int = 1) -> bytes:
    """A 16-bit grey PNG with a ramp from 0 to 65,535."""
    ramp = np.linspace(0, 65_535, 24 * 24).reshape(24, 24).astype(np.uint16)
    return encoded(Image.fromarray(np.roll(ramp, seed)))


def animated_gif() -> bytes:
    frames = [noise(seed, mode="P") for seed in (501, 502, 503)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def turned_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(np.random.default_rng(601).integers(0, 256, (16, 32, 3), np.uint8))
    return encoded(image, "JPEG", exif=exif)


def jpeg_of_many_scans(scans: int = 3000) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    content = encoded(noise(602, 64), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * scans + content[-2:]


def transparent_png() -> bytes:
    image = noise(701, mode="RGBA")
    image.putalpha(0)
    return encoded(image)
