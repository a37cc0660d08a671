"""Made-up tables of climbs and of backpropagation, for tests of figures."""

import numpy as np
import pandas

RUN = {"task": "mnist", "sparsity": 90.0, "origin": "random"}


def trace(seed, layers, repeat, steps=30, low=0.1, top=0.6, search="figure-6", **keys):
    """Return a climb that rises from `low` to `top`, with some noise; each layer has so many neighborhoods in a row."""
    rows = np.arange(steps + 1)
    rising = low + (top - low) * rows / steps + np.random.default_rng(seed).normal(0, 0.005, len(rows))
    return (
        pandas.DataFrame(
            {
                "neighborhood": rows,
                "evaluations": 100 * rows,
                "layer": ["", *(layers[(row // repeat) % len(layers)] for row in range(steps))],
                "from_index": rows,
                "to_index": rows + 1,
                "objective": rows,
                "validation_correct": np.rint(1000 * rising),
                "validation_accuracy": rising,
                "test_correct": np.where(rows % 2, np.nan, np.rint(1000 * rising)),
                "test_accuracy": np.where(rows % 2, np.nan, rising - 0.01),
                "seed": seed,
            }
        )
        .assign(**RUN, search=search)
        .assign(**keys)
    )


def baseline(seed, last, low):
    """Return both methods of backpropagation, counted every 100 minibatches; the literal one stays at `low`."""
    steps = np.arange(0, last + 1, 100)
    tables = [
        pandas.DataFrame({"method": method, "step": steps, "test_accuracy": values, "validation_accuracy": values})
        for method, values in (("literal", np.full(len(steps), low)), ("straight-through", low + 0.0008 * steps))
    ]
    return pandas.concat(tables).assign(**RUN, seed=seed)
