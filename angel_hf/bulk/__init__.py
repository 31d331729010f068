"""Millions of documents: Parquet in, Parquet out, in windows that any process can link and none links twice.

    job (job.py)                                what to link, with which options
      -> input files (input_files.py)           one file, a folder or a pattern, on a disk or in an object store
      -> windows (window.py)                    consecutive rows of one file; each becomes one shard
      -> rows (row_reader.py)                   streamed, whatever the size of the row groups
      -> documents (documents.py)               texts with mentions; other rows are rejected with their cause
      -> shard (window_linker.py, shard.py)     mentions batched by length over the documents of the window
      -> output (output.py, manifest.py)        written whole; a shard that exists is never made again

A shard depends on its window, the model and the options only: not on the engine (local.py, ray_engine.py), on the
number of workers, or on what ran before.
"""

try:
    import pyarrow  # noqa: F401  (the door: the modules behind it may import it)
except ImportError as error:
    raise ImportError("bulk linking needs: pip install 'angel-hf[parquet]'") from error

from angel_hf.bulk.job import Columns, Job, Options
from angel_hf.bulk.local import link_locally
from angel_hf.bulk.output import Totals
from angel_hf.bulk.ray_engine import link_with_ray
from angel_hf.bulk.run import Run, start
from angel_hf.bulk.shard import Report

__all__ = ["Columns", "Job", "Options", "Report", "Run", "Totals", "link_locally", "link_with_ray", "start"]
