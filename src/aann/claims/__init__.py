"""Stage claims: what the paper states, judged from the tables behind the figures.

``models`` says what a claim is (``config/claims.yaml``). ``samples`` reads its numbers from tables, and ``estimates``
makes them into a value with an interval. ``verdicts`` judges, and ``pages`` writes the verdicts for readers.
"""
