"""`python -m benchmarks.sweeps --output FILE`: speed and memory by batch size, beams and names.

CPU seconds of the embedded model, by batch size, by beams and by names, beside transformers' `generate` over a nested
dict; memory of both tries by names; and the work of the search, counted.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
    os.environ[variable] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

FORMAT = "angel-sweeps-1"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeps", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="JSON file")
    parser.add_argument("--model", default="angel-mini", help="embedded model or folder")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each point")
    parser.add_argument("--seed", type=int, default=13, help="of the order of mentions and of made names")
    parser.add_argument("--quick", action="store_true", help="few points, once: a look, not a measurement")
    options = parser.parse_args()
    # Late, so that torch starts with the intended number of threads.
    import dataclasses
    import shlex

    import torch
    from transformers.utils import logging

    from angel_hf.jobs.text_file import write_json
    from benchmarks.machine import this_machine
    from benchmarks.sweep_measurement import QUICK, Extent, measure_sweeps
    from benchmarks.sweep_report import print_sweeps, sweeps_document

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    logging.disable_progress_bar()
    machine = this_machine()
    extent = QUICK if options.quick else dataclasses.replace(Extent(), repeats=options.repeats)
    sweeps = measure_sweeps(options.model, extent, options.seed, lambda line: print(line, file=sys.stderr, flush=True))
    print_sweeps(sweeps)
    write_json(
        options.output,
        {
            "format": FORMAT,
            "command": shlex.join(["python", "-m", "benchmarks.sweeps", *sys.argv[1:]]),
            "quick": options.quick,
            "seed": options.seed,
            "machine": dataclasses.asdict(machine),
            "sweeps": sweeps_document(sweeps),
        },
    )


if __name__ == "__main__":
    main()
