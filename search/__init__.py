"""Which network to try next, and what a network is worth: proposals (pure), training and judgement (TensorFlow).

TensorFlow leaves oneDNN's kernels off on processors that it does not know, AMD's among them; with them, training steps
take a quarter to a third less time there (benchmarks/RESULTS.md, search, What a step takes). It reads the variable when
it is loaded, and processes of jobs inherit it.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
