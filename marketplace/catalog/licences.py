"""The licences that a release may have."""

from __future__ import annotations

LICENCES = {
    "apache-2.0": "Apache License 2.0",
    "mit": "MIT License",
    "bsd-3-clause": "BSD 3-Clause License",
    "cc0-1.0": "Creative Commons Zero 1.0 (no rights reserved)",
    "cc-by-4.0": "Creative Commons Attribution 4.0",
    "cc-by-sa-4.0": "Creative Commons Attribution-ShareAlike 4.0",
    "cc-by-nc-4.0": "Creative Commons Attribution-NonCommercial 4.0",
    "other": "Another licence (told in the notes)",
}
DEFAULT_LICENCE = "apache-2.0"
