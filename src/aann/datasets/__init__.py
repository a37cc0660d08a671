"""Data sets: downloaded or made here, and split into training, validation and test images."""

TITLES = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "digits": "scikit-learn digits",
    "letters": "Drawn letters",
}
"""What figures call each data set."""
