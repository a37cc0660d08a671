"""What a build says when it is interrupted by Ctrl-C: that it was, and that the same command goes on.

Snakemake reports each job that ends with it as an error of that job, and the build as one that failed.
"""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

INTERRUPTED = "Interrupted: what was complete stays, and the same command goes on from there."
STOPPING = "Interrupted; waiting for jobs to end. Press Ctrl-C again to end them at once."


_TERMINATING, _FAILED = "Terminating processes on user request", "At least one job did not complete successfully"
"""What Snakemake says when it is interrupted, and at its end."""
_ENDED_BY_IT = (f"exit status {128 + signal.SIGINT}", "died with <Signals.SIGINT")
"""How Snakemake says that a job ended by the signal."""
_PATIENCE_SECONDS, _SHORT_PATIENCE_SECONDS = 5.0, 0.2


class Interruption(logging.Filter):
    """Knows whether this process was interrupted, and lets pass no errors from then on but the last, in other words."""

    def __init__(self) -> None:
        super().__init__()
        self._happened = threading.Event()

    def interrupt(self, number: int, frame: Any) -> None:
        """Handle the signal: remember it, and raise ``KeyboardInterrupt`` as Python does."""
        self._happened.set()
        signal.default_int_handler(number, frame)

    def happened(self, text: str) -> bool:
        """Return whether an error of this ``text`` comes of an interruption.

        The signal goes to all processes at once, and the thread that waited for a job may be the first to run. So it
        gives the main thread, which alone handles signals, time to do so.
        """
        if threading.current_thread() is threading.main_thread():
            return self._happened.is_set()
        ended_by_it = any(words in text for words in _ENDED_BY_IT)
        return self._happened.wait(_PATIENCE_SECONDS if ended_by_it else _SHORT_PATIENCE_SECONDS)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether something that Snakemake logs is said; its last words are changed."""
        text = str(record.msg)
        if record.levelno >= logging.ERROR and self.happened(text):
            if _FAILED not in text:
                return False
            record.msg, record.levelno, record.levelname = INTERRUPTED, logging.WARNING, "WARNING"
        elif text.startswith(_TERMINATING) and self._happened.is_set():
            record.msg = STOPPING
        return True


def watch(logger: logging.Logger) -> None:
    """Let a build tell interruptions from failures; without Ctrl-C (in a thread, under ``nohup``), do nothing."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    interruption = Interruption()
    try:
        signal.signal(signal.SIGINT, interruption.interrupt)
    except ValueError:  # in a thread that is not the main one
        return
    logger.addFilter(interruption)
