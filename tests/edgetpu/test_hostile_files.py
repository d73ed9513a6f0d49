"""Damaged and hostile files: one clear exception, never a crash, a hang, or gigabytes. The long run is a benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgetpu.compiler_log import read_log
from edgetpu.errors import BadLog, BadModel
from edgetpu.flatbuffer import FlatFile
from tests.edgetpu.mutations import look_at, mutated

RARELY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="session")
def small_files(source_models: tuple[Path, ...], compiled_models: tuple[Path, ...]) -> tuple[bytes, ...]:
    """The smallest real files, where a flipped bit most often hits structure instead of weights."""
    paths = sorted((*source_models, *compiled_models), key=lambda path: path.stat().st_size)
    return tuple(path.read_bytes() for path in paths[:4])


@RARELY
@given(choice=st.integers(0, 3), seed=st.integers(0, 2**32 - 1))
def test_a_damaged_file_is_read_or_refused(small_files: tuple[bytes, ...], choice: int, seed: int) -> None:
    look_at(mutated(small_files[choice], seed))


@RARELY
@given(share=st.floats(0, 1))
def test_a_truncated_file_is_refused(small_files: tuple[bytes, ...], share: float) -> None:
    content = small_files[1]
    with pytest.raises(BadModel, match=r"\.$"):
        look_at(content[: int(share * len(content) * 0.5)], must_be_whole=True)


@RARELY
@given(content=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    look_at(content[:4] + b"TFL3" + content[4:])


@RARELY
@given(text=st.text(max_size=300))
def test_any_text_is_refused_as_a_log(text: str) -> None:
    with pytest.raises(BadLog):
        read_log("Edge TPU Compiler version 16.0.384591198\n" + text)


def test_a_list_that_claims_four_billion_elements_is_refused() -> None:
    content = bytearray(64)
    content[0:4] = (16).to_bytes(4, "little")
    content[8:14] = (6).to_bytes(2, "little") + (8).to_bytes(2, "little") + (4).to_bytes(2, "little")
    content[16:20] = (8).to_bytes(4, "little")
    content[20:24] = (4).to_bytes(4, "little")
    content[24:28] = b"\xff" * 4
    with pytest.raises(BadModel, match="beyond its end"):
        FlatFile(bytes(content)).root().integers(0)


def test_many_tables_that_share_one_long_list_are_refused() -> None:
    file = FlatFile(bytes(64))
    for _ in range(4_000):
        file.charge(1_000)
    with pytest.raises(BadModel, match="more parts than any model"):
        file.charge(1_000)
