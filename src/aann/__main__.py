"""Entry point of ``python -m aann``."""

from aann.cli import main

main()
