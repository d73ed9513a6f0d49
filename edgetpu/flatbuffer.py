"""Read flatbuffers that may be damaged or hostile: every access is inside the file, and the whole work is bounded.

Python's flatbuffers has no verifier: an offset may point anywhere, a vector may claim four billion elements, and
a million tables may share one vector. Here each access is checked and each element read is taken from a budget.
"""

from __future__ import annotations

import struct

from edgetpu.errors import BadModel

_ELEMENTS_PER_FILE = 4_000_000
"""Numbers that one file may make us create; a network of 1,000 layers with 1,000 channels each needs half of them."""
_ELEMENTS_PER_TABLE = 16
"""A table costs us as much as so many numbers."""


class FlatFile:
    """The bytes of a flatbuffer, and how much may still be made of them."""

    __slots__ = ("_bytes_left", "_elements_left", "content")

    def __init__(self, content: bytes | memoryview) -> None:
        self.content = memoryview(content)
        self._elements_left = _ELEMENTS_PER_FILE
        self._bytes_left = 2 * len(content)

    @property
    def identifier(self) -> bytes:
        """The four letters that say what kind of file it is."""
        return bytes(self.content[4:8])

    def root(self) -> FlatTable:
        """Return the outermost table."""
        return FlatTable(self, self.unsigned(0))

    def unsigned(self, position: int) -> int:
        """Return the 32-bit unsigned number at a position."""
        return int(self.unpack("<I", position)[0])

    def unpack(self, layout: str, position: int) -> tuple[int | float, ...]:
        """Return the numbers at a position; `layout` as for struct."""
        if position < 0:
            raise BadModel("The file is damaged: an offset points before its beginning.")
        try:
            return struct.unpack_from(layout, self.content, position)
        except struct.error as error:
            raise BadModel("The file is damaged or cut off: an offset points beyond its end.") from error

    def slice(self, start: int, count: int) -> memoryview:
        """Return a view of `count` bytes; all views together may be twice the file's length."""
        if start + count > len(self.content):
            raise BadModel("The file is damaged or cut off: an array reaches beyond its end.")
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise BadModel("The file is damaged: its arrays overlap.")
        return self.content[start : start + count]

    def charge(self, elements: int) -> None:
        """Take elements from the budget of what this file may make us create."""
        self._elements_left -= elements
        if self._elements_left < 0:
            raise BadModel("The file is damaged or not a network: it describes more parts than any model has.")


class FlatTable:
    """One table of a flatbuffer; its fields are read by slot number."""

    __slots__ = ("_file", "_position", "_slots", "_vtable")

    def __init__(self, file: FlatFile, position: int) -> None:
        file.charge(_ELEMENTS_PER_TABLE)
        (back,) = file.unpack("<i", position)
        vtable = position - int(back)
        (vtable_bytes,) = file.unpack("<H", vtable)
        if vtable_bytes < 4 or vtable + vtable_bytes > len(file.content):
            raise BadModel("The file is damaged: the description of a table is cut off.")
        self._file = file
        self._position = position
        self._vtable = vtable
        self._slots = (int(vtable_bytes) - 4) // 2

    def _place(self, slot: int) -> int:
        """Return where a field lies, or 0 where it is left out."""
        if slot >= self._slots:
            return 0
        (offset,) = self._file.unpack("<H", self._vtable + 4 + 2 * slot)
        return self._position + int(offset) if offset else 0

    def _target(self, slot: int) -> int:
        """Return where a field's offset leads, or 0 where the field is left out."""
        place = self._place(slot)
        return place + self._file.unsigned(place) if place else 0

    def has(self, slot: int) -> bool:
        """Whether the field is in the file at all."""
        return self._place(slot) != 0

    def integer(self, slot: int, code: str = "i", default: int = 0) -> int:
        """Return a whole number; `code` is struct's letter for its width."""
        place = self._place(slot)
        return int(self._file.unpack("<" + code, place)[0]) if place else default

    def real(self, slot: int, default: float = 0.0) -> float:
        """Return a 32-bit floating-point number."""
        place = self._place(slot)
        return float(self._file.unpack("<f", place)[0]) if place else default

    def flag(self, slot: int, default: bool = False) -> bool:
        """Return a truth value."""
        return bool(self.integer(slot, "B", int(default)))

    def table(self, slot: int) -> FlatTable | None:
        """Return a table, or None where it is left out."""
        target = self._target(slot)
        return FlatTable(self._file, target) if target else None

    def _vector(self, slot: int, element_bytes: int) -> tuple[int, int]:
        """Return where a vector's elements begin and how many they are."""
        target = self._target(slot)
        if not target:
            return 0, 0
        count = self._file.unsigned(target)
        if target + 4 + count * element_bytes > len(self._file.content):
            raise BadModel("The file is damaged or cut off: a list reaches beyond its end.")
        return target + 4, count

    def count(self, slot: int) -> int:
        """Return how many elements a vector of offsets has."""
        return self._vector(slot, 4)[1]

    def octets(self, slot: int) -> memoryview:
        """Return a view of a vector of bytes."""
        start, count = self._vector(slot, 1)
        return self._file.slice(start, count)

    def text(self, slot: int) -> str:
        """Return a string; bytes that are no UTF-8 are shown as �."""
        return bytes(self.octets(slot)).decode("utf-8", "replace")

    def integers(self, slot: int, code: str = "i") -> tuple[int, ...]:
        """Return a vector of whole numbers."""
        start, count = self._vector(slot, struct.calcsize("<" + code))
        self._file.charge(count)
        return tuple(int(value) for value in self._file.unpack(f"<{count}{code}", start))

    def reals(self, slot: int) -> tuple[float, ...]:
        """Return a vector of 32-bit floating-point numbers."""
        start, count = self._vector(slot, 4)
        self._file.charge(count)
        return tuple(float(value) for value in self._file.unpack(f"<{count}f", start))

    def tables(self, slot: int) -> tuple[FlatTable, ...]:
        """Return a vector of tables."""
        start, count = self._vector(slot, 4)
        self._file.charge(count)
        places = range(start, start + 4 * count, 4)
        return tuple(FlatTable(self._file, place + self._file.unsigned(place)) for place in places)

    def strings(self, slot: int) -> tuple[memoryview, ...]:
        """Return a vector of strings, as views of their bytes."""
        start, count = self._vector(slot, 4)
        self._file.charge(count)
        found = []
        for place in range(start, start + 4 * count, 4):
            target = place + self._file.unsigned(place)
            found.append(self._file.slice(target + 4, self._file.unsigned(target)))
        return tuple(found)
