"""Which file belongs to which class: read from the names in a ZIP alone."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from marketplace.datasets.findings import Findings, show, show_first
from marketplace.errors import BadInput

PICTURE_ENDINGS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
FOREIGN_ENDINGS = frozenset(
    {".heic", ".heif", ".avif", ".svg", ".ico", ".psd", ".tga", ".jp2", ".jxl", ".ppm", ".pgm", ".raw", ".dng"}
    | {".cr2", ".cr3", ".nef", ".arw", ".eps", ".pdf"}
)
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"})
SYSTEM_FOLDERS = frozenset(
    {"__MACOSX", ".git", ".ipynb_checkpoints", ".Trashes", ".Spotlight-V100", ".fseventsd", ".AppleDouble", "@eaDir"}
)
SPLIT_NAMES = frozenset({"train", "training", "val", "valid", "validation", "test", "testing", "dev"})
MAX_CLASS_CHARS = 60
MAX_CLASSES = 1000
PUNCTUATION = frozenset(" -_.()+,")
EXAMPLE = "Put the pictures of each class into a folder of its own, like cats/1.jpg and dogs/1.jpg."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that should be a picture of a class."""

    entry: int
    """Position in the archive's list of entries."""
    name: str
    class_name: str


@dataclass(frozen=True, slots=True)
class Named:
    """An entry that counts: its place in the list and the parts of its name."""

    entry: int
    name: str
    parts: tuple[str, ...]
    is_folder: bool

    @property
    def ending(self) -> str:
        """The name's ending in small letters."""
        return PurePosixPath(self.parts[-1]).suffix.lower()


def read_layout(entries: Sequence[zipfile.ZipInfo], findings: Findings) -> list[Candidate]:
    """Return the pictures by class folder; what is none is noted in `findings`.

    Raises:
        BadInput: where the folders are not as they must be.
    """
    named = _without_top(list(_relevant(entries, findings)))
    pictures = [one for one in named if not one.is_folder and _is_picture(one, findings)]
    if not pictures:
        raise BadInput(f"There is no picture in this ZIP. {EXAMPLE} JPEG, PNG, WebP, BMP, GIF and TIFF are read.")
    _refuse_depth(pictures)
    candidates = [Candidate(one.entry, one.name, unicodedata.normalize("NFC", one.parts[0])) for one in pictures]
    _refuse_classes({one.class_name for one in candidates}, _folders(named))
    return candidates


def _relevant(entries: Sequence[zipfile.ZipInfo], findings: Findings) -> Iterable[Named]:
    """Yield the entries that are no system files; each name once."""
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        parts = tuple(part for part in entry.filename.split("/") if part not in ("", "."))
        if not parts:
            continue
        if entry.filename in seen:
            findings.note("listed-twice", entry.filename)
        elif _is_hidden(parts, entry.is_dir()):
            if not entry.is_dir():
                findings.note("hidden", entry.filename)
        else:
            seen.add(entry.filename)
            yield Named(position, entry.filename, parts, entry.is_dir())


def _is_hidden(parts: tuple[str, ...], is_folder: bool) -> bool:
    """Say whether to look away; a folder of pictures whose name begins with a dot is refused later, in words."""
    if not SYSTEM_FOLDERS.isdisjoint(parts):
        return True
    name = parts[-1]
    if is_folder:
        return name.startswith(".")
    dotted_folder = any(part.startswith(".") for part in parts[:-1])
    if name.startswith(".") or name.lower() in SYSTEM_FILES:
        return True
    return dotted_folder and PurePosixPath(name).suffix.lower() not in PICTURE_ENDINGS


def _without_top(named: list[Named]) -> list[Named]:
    """Strip folders that hold everything else, as shared ZIPs have one: sign_digits10/3/0149.jpg."""
    while named and len({one.parts[0] for one in named}) == 1 and any(_folder_depth(one) > 1 for one in named):
        named = [Named(one.entry, one.name, one.parts[1:], one.is_folder) for one in named if len(one.parts) > 1]
    return named


def _folder_depth(one: Named) -> int:
    return len(one.parts) if one.is_folder else len(one.parts) - 1


def _is_picture(one: Named, findings: Findings) -> bool:
    if one.ending in PICTURE_ENDINGS or not one.ending:
        return True
    findings.note("foreign-format" if one.ending in FOREIGN_ENDINGS else "not-picture", one.name)
    return False


def _folders(named: Iterable[Named]) -> set[str]:
    """Return the names of the class folders, also of those that hold no picture."""
    return {unicodedata.normalize("NFC", one.parts[0]) for one in named if _folder_depth(one) > 0}


def _refuse_depth(pictures: list[Named]) -> None:
    loose = [one.name for one in pictures if len(one.parts) == 1 and one.ending]
    deep = [one.name for one in pictures if len(one.parts) > 2]
    if deep and {one.parts[0].lower() for one in pictures} <= SPLIT_NAMES:
        raise BadInput(
            f"This ZIP is split already ({', '.join(sorted({show(one.parts[0], 20) for one in pictures}))}). Atoll "
            "splits by itself, so that near-identical pictures stay together: put all pictures of a class into "
            "one folder."
        )
    if deep:
        raise BadInput(
            f"A class name may not contain a slash: {show_first(deep)} lie in folders inside class folders. Put every "
            "picture directly into the folder of its class."
        )
    if loose:
        raise BadInput(f"{len(loose):,} pictures lie outside of any class folder: {show_first(loose)}. {EXAMPLE}")


def _refuse_classes(classes: set[str], folders: set[str]) -> None:
    for name in sorted(folders):
        fault = _fault_of(name)
        if fault:
            raise BadInput(f"The class name “{show(name)}” {fault}. Rename the folder and upload the ZIP again.")
    _refuse_alike(folders)
    empty = sorted(folders - classes)
    if empty:
        raise BadInput(
            f"The class folder {show_first(empty)} holds no picture. Add at least 10 pictures, or remove the folder."
        )
    if len(classes) == 1:
        raise BadInput(f"There is only one class, “{show(next(iter(classes)))}”; a model needs at least two. {EXAMPLE}")
    if len(classes) > MAX_CLASSES:
        raise BadInput(f"There are {len(classes):,} class folders; at most {MAX_CLASSES:,} can be told apart here.")


def _fault_of(name: str) -> str:
    """Return what is wrong with a class name, or nothing."""
    if name.startswith("."):
        return "begins with a dot"
    if name != name.strip():
        return "begins or ends with a space"
    if len(name) > MAX_CLASS_CHARS:
        return f"has {len(name)} characters, more than {MAX_CLASS_CHARS}"
    bad = next((char for char in name if not _is_allowed(char)), "")
    if not bad:
        return ""
    what = f"“{bad}”" if bad.isprintable() and not _is_symbol(bad) else f"the character {_name_of(bad)}"
    return f"contains {what}; letters, digits, spaces and - _ . ( ) + , are allowed"


def _is_allowed(char: str) -> bool:
    return char.isalnum() or char in PUNCTUATION or unicodedata.category(char) in ("Mn", "Mc")


def _is_symbol(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk", "Cn", "Co")


def _name_of(char: str) -> str:
    return f"U+{ord(char):04X} ({unicodedata.name(char, 'a control character').lower()})"


def _refuse_alike(folders: set[str]) -> None:
    """Refuse names that Windows and macOS would take for one folder."""
    plain = {name: re.sub(r"\s+", " ", unicodedata.normalize("NFKC", name).casefold()) for name in folders}
    counts = Counter(plain.values())
    alike = sorted(name for name in folders if counts[plain[name]] > 1)
    if alike:
        pair = [name for name in alike if plain[name] == plain[alike[0]]]
        raise BadInput(
            f"The class names {' and '.join(f'“{show(name)}”' for name in pair[:3])} differ only by capital letters or "
            "in how they are written. Put the pictures into one folder, or rename one."
        )
