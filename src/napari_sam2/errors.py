"""The errors that this package raises on purpose.

Each message gives the value, the rule it breaks and the remedy. Every class also derives from the built-in error
that a caller would expect, so that ``except ValueError`` works as usual.
"""

__all__ = [
    "AxisError",
    "CheckpointError",
    "DatasetError",
    "DeviceError",
    "DownloadError",
    "IntensityError",
    "LearningError",
    "PromptError",
    "Sam2Error",
    "SessionError",
    "StackError",
]


class Sam2Error(Exception):
    """Base of all errors of this package."""


class PromptError(Sam2Error, ValueError):
    """A prompt that cannot be used: outside the stack, empty, of the wrong shape."""


class StackError(Sam2Error, ValueError):
    """An image that cannot be read as a stack of planes."""


class AxisError(StackError):
    """Axes that do not fit the array, or a propagation axis or position that does not exist."""


class IntensityError(StackError):
    """An intensity range that cannot be used."""


class CheckpointError(Sam2Error, ValueError):
    """A weights file that is damaged, unsafe, or does not fit the network."""


class DownloadError(Sam2Error, OSError):
    """Weights that are not on this machine and could not be fetched."""


class DeviceError(Sam2Error, RuntimeError):
    """A device or precision that this machine does not offer, or too little memory on it."""


class SessionError(Sam2Error, ValueError):
    """A request that the session's state does not allow, or a saved session that cannot be read."""


class DatasetError(Sam2Error, ValueError):
    """A training set that cannot be written, or one that is damaged."""


class LearningError(Sam2Error, ValueError):
    """A model cannot be fine-tuned as asked, or learned nothing that is worth keeping."""
