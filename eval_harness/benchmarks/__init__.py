"""The benchmarks, one file each. To add one: a file beside these, and its name in BENCHMARKS."""

from eval_harness.benchmarks.askapatient import ASKAPATIENT
from eval_harness.benchmarks.bc5cdr import BC5CDR
from eval_harness.benchmarks.cometa import COMETA
from eval_harness.benchmarks.medmentions import MEDMENTIONS
from eval_harness.benchmarks.ncbi import NCBI

BENCHMARKS = (NCBI, BC5CDR, COMETA, ASKAPATIENT, MEDMENTIONS)
