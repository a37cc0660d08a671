"""The dynamic task: imitation learning in CarRacing, from an expert to networks that drive (paper, section 3.1)."""

DATASETS = ("driving", "driving-rgb")
"""Names of what a network may see (``views``)."""

CLASSES = ("GO", "LEFT", "RIGHT")
"""What a network chooses between; its logits stand in this order, and a tie is for GO, which is seldom far wrong."""

GO, LEFT, RIGHT = range(len(CLASSES))
