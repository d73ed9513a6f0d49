"""What was noticed of single files, counted by kind; names are hostile text and come out short and printable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

NAMES_KEPT = 20
"""So many names are listed of each kind; the manifest lists every file that was left out."""
NAME_CHARS = 80

Action = Literal["ignored", "left out", "converted", "noted"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: what it is called, what happened to the files, and what their owner may do."""

    title: str
    action: Action
    sentence: str


KINDS: dict[str, Kind] = {
    "undecodable": Kind(
        "Damaged pictures", "left out", "The file is cut short or damaged. Save or copy the picture again."
    ),
    "too-large": Kind(
        "Pictures over 25 megapixels",
        "left out",
        "Make them smaller: training shrinks every picture to a few hundred px anyway.",
    ),
    "too-small": Kind("Pictures under 8 px", "left out", "Both sides must have at least 8 px. Use the original files."),
    "foreign-format": Kind(
        "Formats that are not read", "left out", "Save these pictures as JPEG, PNG, WebP, BMP, GIF or TIFF."
    ),
    "contradictory": Kind(
        "The same picture in two classes",
        "left out",
        "It was left out of both classes, because nobody can say which label is right. Keep it in one class only.",
    ),
    "duplicate": Kind(
        "Exact duplicates within a class", "left out", "One of each was kept; the copies would teach nothing new."
    ),
    "listed-twice": Kind(
        "Names that the ZIP lists twice", "left out", "The first file of each name was kept. Make the ZIP anew."
    ),
    "animated": Kind("Animated or several pages", "converted", "The first frame or page is used."),
    "cmyk": Kind("CMYK colours (print)", "converted", "Converted to RGB; colours may look a little different."),
    "sixteen-bit": Kind("16 bits a channel", "converted", "Scaled to 8 bits a channel: 65,535 becomes 255."),
    "palette": Kind("Colour palette", "converted", "Every pixel gets its palette colour as RGB."),
    "alpha": Kind("Transparent parts", "converted", "Laid on white."),
    "turned": Kind("Turned by their EXIF orientation", "converted", "Turned upright, as a photo viewer shows them."),
    "other-extension": Kind(
        "Content and name ending differ", "noted", "Read by content, not by name; nothing needs to be done."
    ),
    "lookalike": Kind(
        "Nearly the same picture in different classes",
        "noted",
        "They were kept, in one split. Look at them: one of the two may be in the wrong class.",
    ),
    "cut-burst": Kind(
        "A class that is one series",
        "noted",
        "Nearly all pictures of this class resemble each other, so the series had to be cut: the accuracy measured "
        "on it will be better than in real use. Add pictures of other scenes.",
    ),
    "not-picture": Kind("Files that are no pictures", "ignored", "They are not used; nothing needs to be done."),
    "hidden": Kind("Hidden and system files", "ignored", "They are not used; nothing needs to be done."),
}


@dataclass(slots=True)
class Findings:
    """Counts by kind, with the first names of each."""

    counts: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind: str, name: str, detail: str = "") -> None:
        """Count a file."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        kept = self.names.setdefault(kind, [])
        if len(kept) < NAMES_KEPT:
            kept.append(f"{show(name)}: {detail}" if detail else show(name))

    def count_of(self, action: Action) -> int:
        """Return how many files met this fate."""
        return sum(count for kind, count in self.counts.items() if KINDS[kind].action == action)

    def as_list(self) -> list[dict[str, Any]]:
        """Return plain values, gravest kinds first."""
        return [
            {
                "kind": kind,
                "title": what.title,
                "action": what.action,
                "sentence": what.sentence,
                "count": self.counts[kind],
                "names": self.names[kind],
            }
            for kind, what in KINDS.items()
            if kind in self.counts
        ]


def show(name: str, chars: int = NAME_CHARS) -> str:
    """Return a name of a stranger's file so that it can stand in a sentence: printable and short."""
    clean = "".join(char if char.isprintable() else "�" for char in name[: 4 * chars])
    if len(clean) <= chars:
        return clean
    return f"{clean[: chars // 2 - 1]}…{clean[-chars // 2 :]}" if len(name) <= 4 * chars else f"{clean[: chars - 1]}…"


def show_first(names: list[str], limit: int = 3) -> str:
    """Return the first names for a sentence, and how many more there are."""
    shown = ", ".join(f"“{show(name, 60)}”" for name in names[:limit])
    return f"{shown} and {len(names) - limit:,} more" if len(names) > limit else shown
