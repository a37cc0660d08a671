"""How many images does a network get right: exact integer counts, the same on every machine."""
