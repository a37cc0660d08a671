"""Data sets: downloaded or made here, and split into training, validation and test images."""
