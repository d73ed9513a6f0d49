"""What can go wrong with a network.

ModelError
├── ArchitectureInvalid    a description that no network can be built from → tell the user
├── NetworkUnreadable      a file's network cannot become a Keras network → tell the user
├── ForeignRefused         a stranger's model cannot be opened or converted → tell its owner
├── BackboneMissing        a published file is not here and cannot be fetched → tell the user
├── CannotInherit          nothing can be handed from one architecture to the other → train from scratch
└── QuantizationFailed     the network cannot become an int8 file the chip's compiler takes → fail this trial
"""


class ModelError(Exception):
    """A network could not be described, built or converted; its text is a sentence for people."""


class ArchitectureInvalid(ModelError):
    """The description does not say a network that can be built."""


class QuantizationFailed(ModelError):
    """The network did not become a full-int8 file that the Edge TPU's compiler accepts."""


class NetworkUnreadable(ModelError):
    """The file holds a network that cannot be made into a Keras network; the text names the operation."""


class BackboneMissing(ModelError):
    """A published file is neither on this machine nor to be had; the text says where to put it by hand."""


class ForeignRefused(ModelError):
    """A model that somebody brought along cannot be opened or converted; the text names the layer and says why."""


class CannotInherit(ModelError):
    """Between these two architectures nothing can be handed on; the text says why."""
