"""Stage psiren: p-sparse ternary networks by backpropagation (Algorithm 1)."""
