"""How fast and how large angel_hf is, beside other ways to do the same; run by `python -m benchmarks`."""
