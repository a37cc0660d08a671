"""Data sets: downloaded, brought along or made here, and split into training, validation and test images."""
