"""Why a batch run cannot go on. What is wrong with single rows is no exception: it becomes a row of `errors`."""


class BatchError(Exception):
    """A run that cannot start or go on; the message is one line that says which thing and how to mend it."""


class InputError(BatchError):
    """Inputs, actors or settings that cannot be used; nothing has been scored."""


class OutputError(BatchError):
    """An output folder that cannot be written, is in use, or belongs to another run."""


class EngineError(BatchError):
    """Workers that cannot be started or keep dying; what was finished stays, the same command resumes."""


class Stopped(BatchError):
    """The caller asked the run to stop; the same command resumes."""
