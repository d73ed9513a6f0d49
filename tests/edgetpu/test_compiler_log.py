from __future__ import annotations

from pathlib import Path

import pytest

from edgetpu.compiler_log import STATUSES, read_log, read_log_file
from edgetpu.errors import BadLog
from edgetpu.failures import explain

HEAD = "Edge TPU Compiler version 16.0.384591198\n"
MODEL = """Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 542 ms.

Input model: quantized_model.tflite
Input size: 4.04MiB
Output model: quantized_model_edgetpu.tflite
Output size: 4.13MiB
On-chip memory used for caching model parameters: 604.50KiB
On-chip memory remaining for caching model parameters: 511.50KiB
Off-chip memory used for streaming uncached model parameters: 3.45MiB
Number of Edge TPU subgraphs: 1
Total number of operations: 50
Operation log: quantized_model_edgetpu.log
"""
END = "Compilation child process completed within timeout period.\nCompilation succeeded! \n"
SEE = "See the operation log file for individual operation details.\n"


def is_whole(row: dict[str, str]) -> bool:
    return (row["completeness"] or "complete").startswith("complete")


def test_every_whole_log_is_read(logs_folder: Path, log_index: tuple[dict[str, str], ...]) -> None:
    for row in filter(is_whole, log_index):
        report = read_log_file(logs_folder / row["file"])
        assert report.models or report.failures, row["file"]
        if row["compiler_version"][0].isdigit() and "web" not in row["compiler_version"]:
            assert report.compiler_version == row["compiler_version"], row["file"]


def test_every_log_that_was_cut_off_is_refused(logs_folder: Path, log_index: tuple[dict[str, str], ...]) -> None:
    cut = [row for row in log_index if not is_whole(row)]
    assert cut
    for row in cut:
        with pytest.raises(BadLog, match=r"\.$"):
            read_log_file(logs_folder / row["file"])


def test_every_beginning_of_a_log_is_refused_or_says_the_same(logs_folder: Path) -> None:
    """Only a cut within the closing lines, which add nothing, can go unnoticed."""
    text = (logs_folder / "out_v15_yolov5s_partial.txt").read_text()
    whole = read_log(text)
    for length in range(len(text.rstrip()) - 1):
        try:
            assert read_log(text[:length]) == whole
        except BadLog:
            continue


def test_sizes_are_bytes(logs_folder: Path) -> None:
    (model,) = read_log(HEAD + MODEL + SEE + END).models
    assert (model.cached_bytes, model.remaining_bytes) == (619_008, 523_776)
    assert model.streamed_bytes == round(3.45 * 2**20)
    assert (model.operations_total, model.subgraphs, model.fully_mapped) == (50, 1, True)


def test_a_table_of_operations_is_read_row_by_row(logs_folder: Path) -> None:
    (model,) = read_log_file(logs_folder / "out_v15_yolov5s_partial.txt").models
    assert sum(line.count for line in model.operations) == 294
    assert [line.kind for line in model.operations if line.mapped] == ["QUANTIZE"]
    assert model.fully_mapped is False
    assert {line.status for line in model.operations} <= set(STATUSES)


def test_the_first_compilers_told_what_was_available() -> None:
    """As posted with compiler 2.0: available, then used."""
    text = (HEAD + MODEL + SEE + END).replace("remaining", "available").replace("511.50KiB", "6.25MiB")
    (model,) = read_log(text).models
    assert model.remaining_bytes == round(6.25 * 2**20) - 619_008


def test_the_web_compilers_log_is_read(logs_folder: Path) -> None:
    report = read_log_file(logs_folder / "out_web_compiler_0_14_5.txt")
    assert (report.compiler_version, report.kind) == ("0.14.5", "web compiler")
    (model,) = report.models
    assert ("CONV_2D", 15, True) in [(line.kind, line.count, line.mapped) for line in model.operations]
    assert ("DEPTHWISE_CONV_2D", 13, True) in [(line.kind, line.count, line.mapped) for line in model.operations]


def test_a_delegate_search_that_succeeds_in_the_end_is_no_failure() -> None:
    failed = (
        "ERROR: Restored original execution plan after delegate application failure.\n"
        "Compilation failed: Compilation failed due to large activation tensors in model.\n"
        "Compilation child process completed within timeout period.\nCompilation failed! \n"
    )
    start = "Started a compilation timeout timer of 180 seconds.\n"
    search = "Searching for valid delegate with step 10\nTry to compile segment with 340 ops\n"
    again = "Try to compile segment with 330 ops\nIntermediate tensors: a,b,c\n"
    report = read_log(HEAD + search + start + failed + again + MODEL + SEE + END)
    assert report.succeeded
    assert report.segments_tried == (340, 330)
    assert report.intermediate_tensors == ("a", "b", "c")
    first_failed = read_log(HEAD + search + start + failed + search + MODEL + SEE + END)
    assert [failure.kind for failure in first_failed.failures] == ["large activations"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "version is missing"),
        ("Edge TPU Compiler version 2.1.0\n", "There is no Edge TPU compiler 2.1.0"),
        (HEAD, "neither success nor failure"),
        (HEAD + "INFO: Model compiled successfully\n", "Line 2"),
        (HEAD + "Operations mapped to Edge TPU: 100%\n", "Line 2"),
        (HEAD + "WARNING: Operator not supported by Edge TPU: RESHAPE\n", "Line 2"),
        ((HEAD + MODEL + SEE + END).replace("604.50KiB", "604.50KB"), "KiB and MiB"),
        ((HEAD + MODEL + SEE + END).replace("604.50KiB", "0.6MiB"), "two decimals"),
        (HEAD + MODEL + SEE, "how the compilation ended"),
        (HEAD + MODEL + END, "not all there"),
        ((HEAD + MODEL + SEE + END).replace("Model compiled", "Models compiled"), "announces several"),
        ((HEAD + MODEL + SEE + END).replace("Output size: 4.13MiB\n", ""), "not all there"),
        ((HEAD + MODEL + SEE + END).replace("operations: 50", "operations: many"), "number of operations"),
        (HEAD + MODEL + "Number of operations that will run on Edge TPU: 5\n" + SEE + END, "run on the CPU"),
        (
            HEAD
            + MODEL
            + "Number of operations that will run on Edge TPU: 5\nNumber of operations that will run on CPU: 1\n"
            + SEE
            + END,
            "contradicts itself",
        ),
        (HEAD + MODEL + "Operator                       Count      Status\n" + END, "table of operations is empty"),
        (HEAD + MODEL + "Operator  Count  Status\nADD  50  Supported\n" + END, "none that the compiler prints"),
        (HEAD + MODEL + "Operator  Count  Status\nADD  50  Mapped to Ed\n" + END, "cut off"),
        (HEAD + "CONV_2D  12  Mapped to Edge TPU\n", "rows of a table"),
        (HEAD + "Edge TPU Compiler version 15.0.340273435\n", "two different compilers"),
        ("x" * 2_000_001, "far longer"),
    ],
)
def test_what_was_cut_off_or_made_up_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadLog, match=reason):
        read_log(text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadLog, match="cannot be read"):
        read_log_file(tmp_path / "none.log")


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        ("Model not quantized", "not quantized", "full-integer"),
        ("ERROR: Didn't find op for builtin opcode 'CONV_2D' version '6'", "operation version", "version 6 of CONV_2D"),
        ("ERROR: Op builtin_code out of range: 150. Are you using old", "unknown operation", "number 150"),
        ("ERROR: Encountered unresolved custom op: MyOp.", "custom operation", "MyOp"),
        ("ERROR: Node number 3 (SPLIT) failed to prepare.", "node failed", "operation 3 (SPLIT)"),
        ("Internal compiler error. Aborting!", "internal error", "Try again"),
        ("Invalid model: a.tflite", "invalid model", "a.tflite"),
        ("libc++abi: terminating with uncaught exception of type std::out_of_range: vector", "crash", "crashed"),
        ("ERROR: Regular TensorFlow ops are not supported by this interpreter.", "select operation", "SELECT_TF_OPS"),
        ("ERROR: something new", "unknown", "without a cause that we know"),
    ],
)
def test_each_refusal_is_explained_and_quoted(line: str, kind: str, words: str) -> None:
    failure = explain([line])
    assert failure.kind == kind
    assert words in failure.sentence
    assert failure.quote == line
    assert failure.sentence.endswith(".")


def test_crashes_of_the_compiler_are_read_as_posted() -> None:
    """As in google-coral/edgetpu issues 728, 643 and 800."""
    start = HEAD + "Started a compilation timeout timer of 180 seconds.\n"
    end = "Compilation child process completed within timeout period.\nCompilation failed! \n"
    thrown = "libc++abi: terminating with uncaught exception of type std::out_of_range: vector\n"
    (failure,) = read_log(start + thrown + end).failures
    assert failure.kind == "crash"
    fault = (
        "/usr/bin/edgetpu_compiler: line 3:  1531 Segmentation fault      (core dumped) ${d}/edgetpu_compiler_bin/ld\n"
    )
    (failure,) = read_log(HEAD + fault).failures
    assert failure.kind == "crash"
    (failure,) = read_log(start + end).failures
    assert "recurrent" in failure.sentence


def test_a_paragraph_broken_into_lines_by_a_post_is_read() -> None:
    """As in google-coral/edgetpu issue 173."""
    paragraph = (
        "Model successfully compiled but not all operations are supported by the\n"
        "Edge TPU. A percentage of the model will instead run on the CPU, which is\n"
        "slower. If possible, consider updating your model to use only operations\n"
        "supported by the Edge TPU. For details, visit g.co/coral/model-reqs.\n"
        "Number of operations that will run on Edge TPU: 40\n"
        "Number of operations that will run on CPU: 10\n"
    )
    (model,) = read_log(HEAD + MODEL + paragraph + SEE + END).models
    assert (model.operations_on_chip, model.operations_on_cpu) == (40, 10)
