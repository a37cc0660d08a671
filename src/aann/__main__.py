"""Entry point of ``python -m aann``.

Imports make hundreds of thousands of objects that live until the end. By default, Python looks through them again and
again for garbage, and once more at the end. This took a third of the time of a short job.
"""

import gc

from aann.cli import main

gc.set_threshold(50_000)
try:
    main()
finally:
    gc.freeze()
