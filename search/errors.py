"""What can go wrong in a search.

SearchError
├── LimitImpossible    no network of the space holds the limits → tell the user, start nothing
├── DatasetInvalid     the folder of pictures is not as agreed → fail the run
└── TrialFailed        this network did not train or convert → fail this trial, the search goes on
"""


class SearchError(Exception):
    """A search could not do something; its text is a sentence for people."""


class LimitImpossible(SearchError):
    """No network of the space holds the limits; the text names the nearest possible value."""


class DatasetInvalid(SearchError):
    """The folder does not hold the arrays that a search needs."""


class TrialFailed(SearchError):
    """One network could not be trained, quantized or judged."""
