"""The part of the `atoll` command that teaches an embedding extractor new classes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

_HELP = "teach an embedding extractor new classes from a few pictures, without training a network"


def add_learn(commands: Any) -> None:
    """Add `learn` to what argparse returned for subcommands."""
    parser: argparse.ArgumentParser = commands.add_parser("learn", help=_HELP, description=_HELP)
    parser.add_argument("extractor", type=Path, help="embedding extractor, a uint8 .tflite file that is not compiled")
    parser.add_argument("folder", type=Path, help="folder with one folder of pictures for each class")
    parser.add_argument("-o", "--out", type=Path, default=Path("classifier.tflite"), help="file of the classifier")
    parser.add_argument(
        "--compiled", type=Path, help="the extractor compiled for the Edge TPU, to get the same classes"
    )
    parser.add_argument("--method", choices=("imprinting", "regression"), default="imprinting")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of sentences")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    from models.learning import learn  # with scipy it takes half a second to load

    learned = learn(chosen.extractor, chosen.folder, chosen.out, method=chosen.method, compiled=chosen.compiled)
    words = json.dumps(learned.to_json(), indent=2, ensure_ascii=False) if chosen.json else learned.sentence
    sys.stdout.write(f"{words}\n")
    return 0
