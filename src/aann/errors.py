"""The exceptions that a user is meant to read."""


class InputError(Exception):
    """A setting, a file or a value that cannot be used.

    Its message is one line: what it is about, what was expected, and what to do next. The command line prints it
    without a traceback.
    """


class AdvisedError(InputError):
    """What a setting helps with or, where no file of settings is there yet, an option of a command.

    The message ends in what to do in settings; ``with_options`` is the message that names an option.
    """

    def __init__(self, problem: str, setting: str, option: str) -> None:
        super().__init__(f"{problem}; {setting}")
        self.with_options = f"{problem}; {option}"
