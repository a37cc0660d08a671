"""Stage sense: stochastic search and succeed, climbing from neighbor to neighbor (Algorithm 2, Figures 5 to 8)."""
