from __future__ import annotations

from pathlib import Path

import pytest

from edgetpu.compiler_log import read_log
from edgetpu.errors import BadLog


def test_every_whole_log_is_read(logs_folder: Path, log_index: tuple[dict[str, str], ...]) -> None:
    for row in log_index:
        if (row["completeness"] or "complete").startswith("complete"):
            report = read_log((logs_folder / row["file"]).read_text())
            assert report.models or report.failures, row["file"]


def test_every_log_that_was_cut_off_is_refused(logs_folder: Path, log_index: tuple[dict[str, str], ...]) -> None:
    for row in log_index:
        if not (row["completeness"] or "complete").startswith("complete"):
            with pytest.raises(BadLog, match=r"\.$"):
                read_log((logs_folder / row["file"]).read_text())
