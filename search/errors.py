"""What can go wrong in a search.

SearchError
├── SpecInvalid        a value of the order is missing or out of range → tell the user, start nothing
├── LimitImpossible    no network of the space holds the limits → tell the user, start nothing
├── DatasetInvalid     the folder of pictures is not as agreed → fail the run
├── TableInvalid       a file does not hold a table of networks → tell whoever named it
└── TrialFailed        this network did not train or convert → fail this trial, the search goes on
"""


class SearchError(Exception):
    """A search could not do something; its text is a sentence for people."""


class SpecInvalid(SearchError):
    """The order of a search holds a value that makes no sense."""


class LimitImpossible(SearchError):
    """No network of the space holds the limits; the text names the nearest possible value."""

    def __init__(self, sentence: str, limit: str = "latency_limit_ms") -> None:
        """Take the sentence, and the name in `SearchSpec` of the limit that it is about."""
        super().__init__(sentence)
        self.limit = limit


class DatasetInvalid(SearchError):
    """The folder does not hold the arrays that a search needs."""


class TableInvalid(SearchError):
    """The file does not hold a table of networks."""


class TrialFailed(SearchError):
    """One network could not be trained, quantized or judged."""
