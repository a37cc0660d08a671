"""Architecture agnostic neural networks: p-sparse ternary networks, their neighbors, and SENSE."""

__version__ = "0.1.0"
