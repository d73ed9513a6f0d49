"""A pytest plugin that is loaded before Django reads its settings: the tests get a data folder of their own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_data_dir = tempfile.mkdtemp(prefix="atoll-test-")
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)
Path(_data_dir, "static").mkdir()  # WhiteNoise warns where it is missing, and warnings are errors
os.environ["ATOLL_DATA_DIR"] = _data_dir
os.environ["ATOLL_OFFLINE"] = "1"  # no test may depend on a download,
os.environ["ATOLL_PRETRAINED_DIR"] = ""  # nor find published weights that it did not bring
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as `search` has it: a test may load TensorFlow first
# Playwright's synchronous API keeps an event loop running, in which Django would refuse its ORM.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
