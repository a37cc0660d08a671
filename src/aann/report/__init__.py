"""Stage report: the paper's story with our figures and numbers, on one page that needs no other file.

The words stand in ``workflow/notebooks/report.ipynb``. ``notebook`` is what its cells call: ``story`` reads the results
of one scale and shows figures, plots and claims, ``summaries`` makes the small tables and numbers of the prose,
``words`` puts numbers into words, and ``plots`` draws what can be pointed at. ``page`` runs it and writes the page.
"""

FIGURES = ("1", "2a", "2b", "3", "4", "5", "6", "7", "8a", "8b", "9", "10", "11", "12", "s1", "s2")
"""Names of the figures."""

CLAIMS = "claims/claims.json"
VIDEO = "figures/video.mp4"
FILES = (
    *(f"figures/figure_{name}.{ending}" for name in FIGURES for ending in ("png", "csv")),
    *(
        f"{table}.csv"
        for task in ("mnist", "car")
        for table in (f"embeddings/{task}/clustering", f"neighbors/{task}/surveys")
    ),
    VIDEO,
    CLAIMS,
)
"""All that the page is made of, below the results of its scale."""
