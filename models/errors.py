"""What can go wrong with a network.

ModelError
├── ArchitectureInvalid    a description that no network can be built from → tell the user
└── QuantizationFailed     the network cannot become an int8 file the chip's compiler takes → fail this trial
"""


class ModelError(Exception):
    """A network could not be described, built or converted; its text is a sentence for people."""


class ArchitectureInvalid(ModelError):
    """The description does not say a network that can be built."""


class QuantizationFailed(ModelError):
    """The network did not become a full-int8 file that the Edge TPU's compiler accepts."""
