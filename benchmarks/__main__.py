"""`python -m benchmarks`: one thread, from before the first import of numpy and torch."""

import os

# Measured processes inherit these. Offline, since everything needed is in the package and in local files.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ[variable] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from benchmarks.cli import app  # noqa: E402

if __name__ == "__main__":
    app(prog_name="python -m benchmarks")
