"""A metric: formulas, and the module that `evaluate` loads."""
