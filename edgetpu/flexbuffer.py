"""Read the small map that a compiled model carries in its custom operation (FlexBuffers), bounded.

Source: FlexBuffers format, google/flatbuffers docs/source/internals.md.
"""

from __future__ import annotations

import struct

from edgetpu.errors import BadModel

_UNSIGNED = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}
_SIGNED = {1: "<b", 2: "<h", 4: "<i", 8: "<q"}
_INT, _UINT, _MAP, _BLOB, _BOOL, _STRING = 1, 2, 9, 25, 26, 5
_MAX_ENTRIES = 64
_LONGEST_KEY = 64


class FlexFile:
    """The bytes of a FlexBuffer."""

    __slots__ = ("content",)

    def __init__(self, content: bytes | memoryview) -> None:
        self.content = memoryview(content)

    def map(self) -> dict[str, int | memoryview]:
        """Return the outermost map: key → whole number or a view of bytes; values of other types are left out.

        Raises:
            BadModel: if the bytes are no map, or damaged.
        """
        if len(self.content) < 3:
            raise BadModel("The compiled model's options are cut off.")
        packed, width = self.content[-2], self.content[-1]
        if packed >> 2 != _MAP or width not in _UNSIGNED:
            raise BadModel("The compiled model's options are damaged: they are not a map.")
        return self._map(self._follow(len(self.content) - 2 - width, width), 1 << (packed & 3))

    def _number(self, position: int, width: int, layouts: dict[int, str] | None = None) -> int:
        if position < 0:
            raise BadModel("The compiled model's options are damaged.")
        try:
            return int(struct.unpack_from((layouts or _UNSIGNED)[width], self.content, position)[0])
        except struct.error as error:
            raise BadModel("The compiled model's options are damaged or cut off.") from error

    def _follow(self, position: int, width: int) -> int:
        """Return where the offset at a position leads; offsets lead backwards."""
        return position - self._number(position, width)

    def _map(self, start: int, width: int) -> dict[str, int | memoryview]:
        count = self._number(start - width, width)
        if count > _MAX_ENTRIES:
            raise BadModel("The compiled model's options are damaged: too many of them.")
        keys = self._follow(start - 3 * width, width)
        key_width = self._number(start - 2 * width, width)
        if key_width not in _UNSIGNED:
            raise BadModel("The compiled model's options are damaged.")
        found: dict[str, int | memoryview] = {}
        for index in range(count):
            packed = self._number(start + count * width + index, 1)
            entry = self._value(start + index * width, width, packed)
            if entry is not None:
                found[self._key(self._follow(keys + index * key_width, key_width))] = entry
        return found

    def _key(self, start: int) -> str:
        if start < 0:
            raise BadModel("The compiled model's options are damaged.")
        name, end, _ = bytes(self.content[start : start + _LONGEST_KEY]).partition(b"\0")
        if not end:
            raise BadModel("The compiled model's options are damaged: a key has no end.")
        return name.decode("ascii", "replace")

    def _value(self, position: int, width: int, packed: int) -> int | memoryview | None:
        kind = packed >> 2
        if kind == _INT:
            return self._number(position, width, _SIGNED)
        if kind in (_UINT, _BOOL):
            return self._number(position, width)
        if kind not in (_BLOB, _STRING):
            return None
        start, length_width = self._follow(position, width), 1 << (packed & 3)
        length = self._number(start - length_width, length_width)
        if start + length > len(self.content):
            raise BadModel("The compiled model's options are damaged or cut off.")
        return self.content[start : start + length]
