"""The one exception that a user is meant to read."""


class InputError(Exception):
    """A setting, a file or a value that cannot be used.

    Its message is one line: what it is about, what was expected, and what to do next. The command line prints it
    without a traceback.
    """
