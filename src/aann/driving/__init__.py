"""The dynamic task: imitation learning in CarRacing, from an expert to networks that drive (paper, section 3.1)."""

DATASETS = ("driving", "driving-rgb")
"""Names of what a network may see (``views``)."""

CLASSES = ("LEFT", "RIGHT", "GO")
"""What a network chooses between; its logits stand in this order."""

LEFT, RIGHT, GO = range(len(CLASSES))
