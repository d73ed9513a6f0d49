"""What can go wrong in a worker; a class is a kind of reaction.

WorkerError
├── StepFailed     a sentence for the user: the step is over, trying again would end the same way
└── JobBroken      the job's process died or had a fault of ours: the step is tried again, a few times
"""


class WorkerError(Exception):
    """Anything that a worker itself raises."""


class StepFailed(WorkerError):
    """The step is over; the text is for the user."""


class JobBroken(WorkerError):
    """The job's process ended without an answer."""
