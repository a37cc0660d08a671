"""Families: networks of equal counts of -1, 0 and +1 (paper, section 3.2), and how far apart they can be."""
