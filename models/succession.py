"""One network being filled from another.

Both see the same calibration pictures. The child is filled layer by layer from the first to the last: each convolution
is fitted so that its output, from the inputs that the child really computes, follows what the parent computes there. So
a later layer makes up for what earlier ones lost.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
from numpy.typing import NDArray

from models.alignment import Match, adds, align, total_stride
from models.architecture import Architecture
from models.channel_choice import Carried, Positions, carry_channels, carry_mixtures, keep_channels
from models.heir import Heir
from models.kernels import at_size, separated
from models.pretrained import Parent
from models.rows import Places
from models.teacher import STEM, Teacher

Floats = NDArray[np.float32]


class Succession:
    """A child that takes over what a parent computes."""

    def __init__(self, parent: Parent, architecture: Architecture, network: keras.Model, places: Places) -> None:
        finer = total_stride(parent.architecture) / total_stride(architecture)
        self._teacher = Teacher(parent, round(architecture.image_px * finer), places)
        self._architecture = architecture
        self._heir = Heir(network, architecture.layers(network.output_shape[-1]), places)
        self._matches = align(architecture, self._teacher.architecture, self._teacher.additions())
        self._adds = adds(architecture)
        self._stream = STEM
        """The parent's stream that the child's follows at the block being filled."""
        self._carried: Carried
        """How the child's stream follows from the parent's."""
        self._kept: Positions | None
        """Where the child's stream consists of the parent's channels as they are: which."""

    def run(self) -> None:
        """Fill the network up to its head."""
        self._teacher.watch(set(self._watched()))
        self._fill_stem()
        for index, match in enumerate(self._matches):
            self._fill_block(index, match)
        self._fill_head()

    def _watched(self) -> Iterator[tuple[str, int]]:
        """Yield the parent's layers that the child's follow, with the side of the child's maps there."""
        yield "stem", self._side("stem")
        for index, match in enumerate(self._matches):
            name = f"block{index + 1}"
            side = self._side(f"{name}_project")
            yield self._teacher.stream_layer(match.follows), side
            if match.takes_after is not None:
                yield self._teacher.inner_layer(match.takes_after), side
                expand = f"block{match.takes_after + 1}_expand"
                if expand in self._teacher.kernels and f"{name}_expand" in self._heir.layers:
                    yield expand, self._side(f"{name}_expand")
        if "head" in self._heir.layers and "head" in self._teacher.kernels:
            yield "head", self._side("head")

    def _side(self, name: str) -> int:
        return self._heir.layers[name].shape[0]

    def _fill_stem(self) -> None:
        side = self._side("stem")
        rows = self._teacher.activated_rows("stem", side)
        readers = np.sqrt(np.diag(self._teacher.reading(STEM)))
        self._kept = keep_channels(rows, readers, self._architecture.stem_filters)
        self._carried = carry_channels(rows, self._kept)
        kernel = at_size(self._teacher.kernels.full("stem"), self._architecture.stem_kernel)[..., self._kept]
        start = kernel.reshape(-1, *kernel.shape[2:])
        self._heir.fill("stem", self._teacher.rows("stem", side)[:, self._kept], start)
        self._heir.finish_block(add=False)

    def _fill_block(self, index: int, match: Match) -> None:
        name = f"block{index + 1}"
        inner = self._fill_inner(name, match.takes_after)
        before = self._heir.stream() if self._adds[index] else None
        if before is None or match.follows not in self._teacher.run_of(self._stream):
            self._choose_stream(index, match.follows)
        wanted = self._stream_rows(index, match.follows) @ self._carried.mixture
        if before is not None:
            wanted -= before[:, : wanted.shape[1]]
        self._heir.fill(f"{name}_project", wanted, self._projection(name, match.takes_after, inner))
        self._heir.finish_block(add=self._adds[index])
        self._stream = match.follows

    def _stream_rows(self, index: int, number: int) -> Floats:
        """Return the parent's stream as the projection of a child's block shall give it."""
        name = f"block{index + 1}_project"
        layer, side = self._teacher.stream_layer(number), self._side(name)
        if self._heir.layers[name].activation == "none":
            return self._teacher.activated_rows(layer, side)
        return self._teacher.rows(layer, side)

    def _choose_stream(self, index: int, number: int) -> None:
        """Choose what of a parent's stream the child carries on after a block."""
        name, count = f"block{index + 1}_project", self._architecture.blocks[index].filters
        rows = self._teacher.activated_rows(self._teacher.stream_layer(number), self._side(name))
        reading = self._teacher.reading(number)
        if self._heir.layers[name].activation == "none":
            self._kept, self._carried = None, carry_mixtures(rows, reading, count, seed=index)
        else:
            self._kept = keep_channels(rows, np.sqrt(np.diag(reading)), count)
            self._carried = carry_channels(rows, self._kept)

    def _fill_inner(self, name: str, takes_after: int | None) -> Positions | None:
        """Fill what comes before a projection; return which inner channels of the parent were taken over."""
        expanded = f"{name}_expand" in self._heir.layers
        if takes_after is None or expanded != (f"block{takes_after + 1}_expand" in self._teacher.kernels):
            self._fill_anew(name)
            return None
        if f"{name}_depthwise" not in self._heir.layers:
            return self._fill_fused(name, takes_after)
        return self._fill_expanded(name, takes_after) if expanded else self._fill_unexpanded(name, takes_after)

    def _fill_anew(self, name: str) -> None:
        for layer in (f"{name}_expand", f"{name}_depthwise"):
            if layer in self._heir.layers:
                self._heir.fill(layer)

    def _fill_fused(self, name: str, takes_after: int) -> Positions:
        layer, own = self._teacher.inner_layer(takes_after), self._heir.layers[f"{name}_expand"]
        chosen = self._choose_inner(layer, own.shape)
        if layer.endswith("_expand"):
            start = self._over_stream(at_size(self._teacher.kernels.full(layer), own.kernel[0])[..., chosen])
        else:
            start = np.zeros((own.kernel[0] ** 2, own.channels_in, len(chosen)), np.float32)
        self._heir.fill(own.name, self._teacher.rows(layer, own.shape[0])[:, chosen], start)
        return chosen

    def _fill_expanded(self, name: str, takes_after: int) -> Positions | None:
        layer, own = self._teacher.inner_layer(takes_after), self._heir.layers[f"{name}_depthwise"]
        chosen = self._choose_inner(layer, own.shape)
        if layer.endswith("_depthwise"):
            self._fill_expansion(f"{name}_expand", f"block{takes_after + 1}_expand", chosen)
            window = self._teacher.kernels.depthwise(layer)[..., chosen]
        elif not self._is_read_by(self._teacher.kernels.full(layer)):
            self._fill_anew(name)
            return None
        else:
            mixing, window = separated(self._teacher.kernels.full(layer)[..., chosen])
            self._heir.fill_as_is(f"{name}_expand", self._over_stream(mixing[None, None]))
        taps = at_size(window, own.kernel[0]).reshape(-1, len(chosen))
        self._heir.fill(own.name, self._teacher.rows(layer, own.shape[0])[:, chosen], taps)
        return chosen

    def _fill_expansion(self, name: str, theirs: str, chosen: Positions) -> None:
        wanted = self._teacher.rows(theirs, self._side(name))[:, chosen]
        self._heir.fill(name, wanted, self._over_stream(self._teacher.kernels.full(theirs)[..., chosen]))

    def _fill_unexpanded(self, name: str, takes_after: int) -> Positions | None:
        layer, own = self._teacher.inner_layer(takes_after), self._heir.layers[f"{name}_depthwise"]
        if self._kept is None or not self._is_read_by(self._teacher.kernels.depthwise(layer)[..., None]):
            self._fill_anew(name)
            return None
        taps = at_size(self._teacher.kernels.depthwise(layer)[..., self._kept], own.kernel[0])
        wanted = self._teacher.rows(layer, own.shape[0])[:, self._kept]
        self._heir.fill(own.name, wanted, taps.reshape(-1, len(self._kept)))
        return self._kept

    def _choose_inner(self, layer: str, shape: tuple[int, ...]) -> Positions:
        rows = self._teacher.activated_rows(layer, shape[0])
        return keep_channels(rows, self._teacher.readers(layer), shape[-1])

    def _is_read_by(self, kernel: Floats) -> bool:
        """Say whether a kernel of the parent can be one over the stream that the child carries: of a stream as wide.

        Where the child has lost the blocks between, the stream that it carries is an earlier one.
        """
        return kernel.shape[2] == len(self._carried.mixture)

    def _over_stream(self, kernel: Floats) -> Floats:
        """Return (taps, in, out): a kernel over the parent's stream as one over the child's, new channels unread.

        Nothing is known, and all is fitted, where it reads another stream than the child carries.
        """
        taps = kernel.reshape(-1, *kernel.shape[2:])
        if not self._is_read_by(kernel):
            return np.zeros((len(taps), self._heir.width, kernel.shape[-1]), np.float32)
        found = np.einsum("kp,tpo->tko", self._carried.recovery, taps)
        new = self._heir.width - found.shape[1]
        return np.pad(found, ((0, 0), (0, new), (0, 0))).astype(np.float32)

    def _projection(self, name: str, takes_after: int | None, inner: Positions | None) -> Floats:
        """Return the kernel that a projection begins with: the parent's where its channels were taken over."""
        start = np.zeros((1, self._heir.layers[f"{name}_project"].channels_in, self._carried.known), np.float32)
        if takes_after is not None and inner is not None:
            kernel = self._teacher.kernels.full(f"block{takes_after + 1}_project")[0, 0]
            if kernel.shape[1] == len(self._carried.mixture):
                start[0, : len(inner)] = kernel[inner] @ self._carried.mixture
        return start

    def _fill_head(self) -> None:
        if "head" not in self._heir.layers:
            return
        if "head" not in self._teacher.kernels:
            self._heir.fill("head")
            return
        side, count = self._side("head"), self._architecture.head_filters
        chosen = keep_channels(self._teacher.activated_rows("head", side), self._teacher.readers("head"), count)
        self._fill_expansion("head", "head", chosen)
