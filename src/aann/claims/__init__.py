"""Stage claims: what the paper states, judged from the tables behind the figures.

``models`` says what a claim is (``config/claims.yaml``), ``samples`` reads its numbers from tables, ``estimates`` makes
a value with an interval of them, ``verdicts`` judges, and ``pages`` writes what was found for readers.
"""
