"""What computation alone foretells of a network, before anything else is known of its kind. Pure.

Errors fall as a power of computation. A search has time for a handful of trainings; without such a rule its models take
whatever those differ in for a law, and foretell more of a network with a tenth of the computation than of the best.
"""

from __future__ import annotations

import numpy as np

from search.problem import Floats

POWER = 0.3
"""By which errors fall with computation. It was 0 to 0.4 between 98 and 20 million multiply-accumulates, 0.4 below.
Source: benchmarks/RESULTS.md, search, What computation foretells."""
_LEAST_ERROR, _MOST_ERROR = 0.005, 0.9
"""However good the best so far is, and however little a network computes."""


def foretold(computation: Floats, best: float, its_computation: float) -> Floats:
    """Return the accuracy of networks as they would be if the best so far were typical.

    Args:
        computation: multiply-accumulates of each.
        best: accuracy of the best so far, 0 to 1.
        its_computation: multiply-accumulates of that one.
    """
    errors = max(1 - best, _LEAST_ERROR) * (its_computation / computation) ** POWER
    return np.asarray(1 - np.minimum(errors, _MOST_ERROR))
