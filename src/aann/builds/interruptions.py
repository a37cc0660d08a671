"""What a build says when Ctrl-C interrupts it: that it was interrupted, and that the same command goes on.

By itself, Snakemake reports each job that it ends as an error of that job, and the build as failed.
"""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

INTERRUPTED = "Interrupted: what was complete stays, and the same command goes on from there."
STOPPING = "Interrupted; waiting for jobs to end. Press Ctrl-C again to end them at once."


_TERMINATING, _FAILED = "Terminating processes on user request", "At least one job did not complete successfully"
"""What Snakemake says when it is interrupted, and when it then ends."""
_ENDED_BY_IT = (f"exit status {128 + signal.SIGINT}", "died with <Signals.SIGINT")
"""How Snakemake says that the signal ended a job."""
_PATIENCE_SECONDS, _SHORT_PATIENCE_SECONDS = 5.0, 0.2


class Interruption(logging.Filter):
    """Knows whether this process was interrupted. From then on, it drops all errors but the last, which it rewords."""

    def __init__(self) -> None:
        super().__init__()
        self._happened = threading.Event()

    def interrupt(self, number: int, frame: Any) -> None:
        """Handle the signal: remember it, and raise ``KeyboardInterrupt`` as Python does."""
        self._happened.set()
        signal.default_int_handler(number, frame)

    def happened(self, text: str) -> bool:
        """Return whether an error with this ``text`` comes from an interruption.

        The signal goes to all processes at once, and only the main thread handles it. Another thread, which waited for
        a job, may be the first to run. It waits here, so that the main thread has time to handle the signal.
        """
        if threading.current_thread() is threading.main_thread():
            return self._happened.is_set()
        ended_by_it = any(words in text for words in _ENDED_BY_IT)
        return self._happened.wait(_PATIENCE_SECONDS if ended_by_it else _SHORT_PATIENCE_SECONDS)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to show what Snakemake logs. After an interruption, its last message is reworded."""
        text = str(record.msg)
        if record.levelno >= logging.ERROR and self.happened(text):
            if _FAILED not in text:
                return False
            record.msg, record.levelno, record.levelname = INTERRUPTED, logging.WARNING, "WARNING"
        elif text.startswith(_TERMINATING) and self._happened.is_set():
            record.msg = STOPPING
        return True


def watch(logger: logging.Logger) -> None:
    """Let a build tell interruptions from failures. Do nothing without Ctrl-C: in a thread, or under ``nohup``."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    interruption = Interruption()
    try:
        signal.signal(signal.SIGINT, interruption.interrupt)
    except ValueError:  # in a thread that is not the main one
        return
    logger.addFilter(interruption)
