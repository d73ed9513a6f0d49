"""A compiled model as values: the chip's programs inside it, and what was left to the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgetpu.errors import BadModel
from edgetpu.executable import ChipPackage, Executable, ExecutableKind, Region, read_package
from edgetpu.flexbuffer import FlexFile
from edgetpu.graph import Graph, Op
from edgetpu.tflite import read_graph

CUSTOM_CODE = "edgetpu-custom-op"
_PACKAGE_KEY = "4"


@dataclass(frozen=True, slots=True)
class CustomOperation:
    """One part of the network that the chip runs."""

    op: Op
    package: ChipPackage

    @property
    def inference(self) -> Executable:
        """The program that runs at every inference."""
        found = self.package.of_kind(ExecutableKind.EXECUTION_ONLY) or self.package.of_kind(ExecutableKind.STAND_ALONE)
        if found is None:
            raise BadModel("The compiled model has no program that runs an inference.")
        return found

    @property
    def caching(self) -> Executable | None:
        """The program that fills the chip's memory once, before the first inference."""
        return self.package.of_kind(ExecutableKind.PARAMETER_CACHING)

    @property
    def cached_bytes(self) -> int:
        """Parameters that stay on the chip."""
        return self.caching.parameter_bytes if self.caching else 0

    @property
    def streamed_bytes(self) -> int:
        """Parameters that are sent at every inference."""
        return self.inference.parameter_bytes

    @property
    def instruction_bytes(self) -> int:
        """Instructions that are sent at every inference."""
        return self.inference.instruction_bytes


@dataclass(frozen=True, slots=True)
class CompiledFile:
    """A compiled model."""

    graph: Graph
    """The file's own network: custom operations for the chip, and what stays on the CPU."""
    operations: tuple[CustomOperation, ...]

    @property
    def cached_bytes(self) -> int:
        """Parameters that stay on the chip."""
        return sum(operation.cached_bytes for operation in self.operations)

    @property
    def streamed_bytes(self) -> int:
        """Parameters that are sent at every inference."""
        return sum(operation.streamed_bytes for operation in self.operations)

    @property
    def parameter_bytes(self) -> int:
        """All parameters for the chip."""
        return self.cached_bytes + self.streamed_bytes

    @property
    def scratch_bytes(self) -> int:
        """Host memory that the programs need beside their inputs and outputs."""
        return sum(operation.inference.scratch_bytes for operation in self.operations)

    @property
    def instruction_bytes(self) -> int:
        """Instructions that are sent at every inference."""
        return sum(operation.instruction_bytes for operation in self.operations)

    @property
    def dma_bytes(self) -> int:
        """Everything moved between host and chip at every inference, instructions included."""
        moved = sum(move.length_bytes for operation in self.operations for move in operation.inference.transfers)
        return moved + self.instruction_bytes

    @property
    def token(self) -> int:
        """What says whose parameters are on the chip; equal for models compiled together. 0 where nothing stays."""
        return self.operations[0].inference.token

    @property
    def min_runtime(self) -> int:
        """The oldest runtime that runs it."""
        return max(operation.package.min_runtime for operation in self.operations)

    @property
    def cpu_ops(self) -> tuple[Op, ...]:
        """The operations that run on the CPU."""
        return tuple(op for op in self.graph.ops if op.custom_code != CUSTOM_CODE)

    def moved_bytes(self, region: Region) -> int:
        """Return what is moved at every inference for one region."""
        return sum(operation.inference.transferred_bytes(region) for operation in self.operations)


def is_compiled(graph: Graph) -> bool:
    """Whether a network has a part for the chip."""
    return any(op.custom_code == CUSTOM_CODE for op in graph.ops)


def read_compiled(source: Path | bytes | Graph) -> CompiledFile:
    """Return a compiled model.

    Raises:
        BadModel: if it is damaged, or was not compiled for the Edge TPU.
    """
    graph = source if isinstance(source, Graph) else read_graph(source)
    chip_ops = tuple(op for op in graph.ops if op.custom_code == CUSTOM_CODE)
    if not chip_ops:
        raise BadModel("This model was not compiled for the Edge TPU: no operation in it is for the chip.")
    operations = tuple(_operation(op) for op in chip_ops)
    for operation in operations:
        _ = operation.inference
    return CompiledFile(graph, operations)


def same_group(first: CompiledFile, second: CompiledFile) -> bool:
    """Whether two models were compiled together, and so stay on the chip side by side."""
    return first.token != 0 and first.token == second.token


def groups_of(files: Mapping[str, CompiledFile]) -> tuple[tuple[str, ...], ...]:
    """Return the names of models that were compiled together; one that was not is a group of its own."""
    groups: dict[int | str, list[str]] = {}
    for name, compiled in files.items():
        groups.setdefault(compiled.token or name, []).append(name)
    return tuple(tuple(names) for names in groups.values())


def _operation(op: Op) -> CustomOperation:
    content = FlexFile(op.custom_options).map().get(_PACKAGE_KEY)
    if not isinstance(content, memoryview):
        raise BadModel("The compiled model is damaged: its program for the chip is missing.")
    return CustomOperation(op, read_package(content))
