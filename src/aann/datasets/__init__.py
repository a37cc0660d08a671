"""Data sets: downloaded or made here, and split into training, validation and test images."""

TITLES = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "digits": "scikit-learn digits",
    "letters": "Drawn letters",
    "driving": "CarRacing",
    "driving-rgb": "CarRacing, one color frame",
}
"""What figures call each data set."""
