"""One picture file → an upright 8-bit RGB picture, or the reason why not. Hostile bytes cost bounded memory."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from marketplace.errors import AtollError

MAX_PIXELS = 25_000_000
MIN_PX = 8
MAX_FILE_BYTES = 128 * 2**20
MAX_SCANS = 100
"""A progressive JPEG has about 10; each may cost a pass over all pixels, and some are made of thousands."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
ENDINGS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
}
THUMB_PX = 16
RESIZE_RULE = (
    "The whole picture, turned upright, is squeezed to a square with Pillow's bilinear filter, which averages over "
    "areas when it shrinks; nothing is cut off, and the aspect ratio is not kept."
)

Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class Unusable(AtollError):
    """A file that cannot be used; `kind` is a key of `findings.KINDS`."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(detail or kind)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture and what was done to it."""

    image: Image.Image
    """RGB, upright."""
    format: str
    changes: tuple[str, ...]
    """Kinds of findings: what was converted."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What is remembered of a picture; its pixels are not."""

    sha256: str
    """Of the file's bytes."""
    pixels_sha256: str
    thumb: bytes
    """16 × 16 RGB, averaged over areas."""
    width: int
    height: int
    format: str
    changes: tuple[str, ...]
    byte_count: int


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Make Pillow refuse pictures over MAX_PIXELS, of which by itself it only warns; its other warnings are noise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode(content: bytes) -> Picture:
    """Return a file's picture. Call within `strict_pillow`.

    Raises:
        Unusable: if it cannot be used.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as source:
            _refuse_dimensions(*source.size)
            _refuse_scans(source, content)
            changes = _changes(source, content)
            source.load()
            image = _upright_rgb(source)
            if _has_more(source):
                changes.append("animated")
            return Picture(image, "JPEG" if source.format == "MPO" else str(source.format), tuple(changes))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unusable("too-large", _dimensions_in(str(error))) from error
    except Unusable:
        raise
    except Exception as error:  # on hostile bytes Pillow's parsers raise nearly anything; memory and time are bounded
        raise Unusable("undecodable", _words_of(error)) from error


def examine(content: bytes) -> Examined:
    """Decode a file and return what is remembered of it.

    Raises:
        Unusable: if it cannot be used.
    """
    picture = decode(content)
    image = picture.image
    pixels = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    pixels.update(image.tobytes())
    return Examined(
        sha256=hashlib.sha256(content).hexdigest(),
        pixels_sha256=pixels.hexdigest(),
        thumb=image.resize((THUMB_PX, THUMB_PX), Image.Resampling.BOX).tobytes(),
        width=image.width,
        height=image.height,
        format=picture.format,
        changes=picture.changes,
        byte_count=len(content),
    )


def resized(image: Image.Image, px: int) -> Image.Image:
    """Return the picture as training reads it: see RESIZE_RULE."""
    return image.resize((px, px), Image.Resampling.BILINEAR)


def _refuse_dimensions(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise Unusable("too-large", f"{width:,} × {height:,} px")
    if min(width, height) < MIN_PX:
        raise Unusable("too-small", f"{width} × {height} px")


def _refuse_scans(source: Image.Image, content: bytes) -> None:
    if source.format in ("JPEG", "MPO") and content.count(b"\xff\xda") > MAX_SCANS:
        raise Unusable("undecodable", f"it has more than {MAX_SCANS} scans; save it as an ordinary JPEG")


def _changes(source: Image.Image, content: bytes) -> list[str]:
    """Name what will be converted; asked before decoding, while the file's own mode is known."""
    changes = []
    if source.mode == "CMYK":
        changes.append("cmyk")
    if source.mode.startswith("I") or _is_deep_png(source, content):
        changes.append("sixteen-bit")
    if source.mode in ("P", "PA"):
        changes.append("palette")
    if source.has_transparency_data:
        changes.append("alpha")
    if source.getexif().get(0x0112, 1) not in (0, 1):
        changes.append("turned")
    return changes


def _is_deep_png(source: Image.Image, content: bytes) -> bool:
    """Say whether a PNG has 16 bits a channel; Pillow opens coloured ones as 8-bit without a word."""
    return source.format == "PNG" and content[24] == 16


def _upright_rgb(source: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(source)
    if upright.mode == "F":
        raise Unusable("undecodable", "floating-point pixels; save it with 8 bits a channel")
    if upright.mode.startswith("I"):
        return _from_deep(upright)
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return upright.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion would make everything above 255 white."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65_535:
        raise Unusable("undecodable", "32 bits a channel; save it with 8")
    return Image.fromarray((values // 257).astype(np.uint8)).convert("RGB")


def _has_more(source: Image.Image) -> bool:
    """Say whether there is a second frame or page; a damaged one does not matter."""
    if source.format not in ("GIF", "PNG", "WEBP", "TIFF"):
        return False
    try:
        source.seek(1)
    except Exception:  # as in decode: what is not there, or broken, is not used
        return False
    return True


def _dimensions_in(message: str) -> str:
    """Return "2,500 megapixels" out of Pillow's refusal, which tells the number of pixels only."""
    digits = "".join(char for char in message.split("pixels")[0] if char.isdigit())
    return f"{int(digits) / 1e6:,.0f} megapixels" if digits else ""


def _words_of(error: Exception) -> str:
    """Return a cause in words where Pillow has one, without paths or objects."""
    text = str(error)
    if isinstance(error, UnidentifiedImageError):
        return "its content is none of JPEG, PNG, WebP, BMP, GIF, TIFF"
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return "the file is cut short"
    return "the content cannot be decoded"
