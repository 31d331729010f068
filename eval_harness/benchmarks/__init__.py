"""The benchmarks, one file each. To add one: a file beside these, and its name in BENCHMARKS."""

from eval_harness.benchmarks.ncbi import NCBI

BENCHMARKS = (NCBI,)
