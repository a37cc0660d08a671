"""Architecture agnostic neural networks: p-sparse ternary networks, their neighbors, and SENSE."""

import os

from aann import safeguards

__version__ = "0.1.0"

# Jobs of the workflow ask for it, and so do the processes that they start: all of these pass here.
if safeguards.END_WITH_PARENT in os.environ:
    safeguards.end_with_parent()
