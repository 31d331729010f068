"""Linking documents in Parquet takes the memory of a few, however many there are."""

import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from angel_hf.bulk.input_files import InputFiles
from angel_hf.bulk.row_reader import RowReader
from angel_hf.bulk.window import Window
from tests.bulk_world import (
    SCHEMA,
    save_model,
    write,
)

MEMORY = """
import sys
from pathlib import Path
import pyarrow
from angel_hf.search import BeamSearch
from tests.bulk_world import run_locally

pool = pyarrow.default_memory_pool()

def peak():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024

folder, model = Path(sys.argv[1]), Path(sys.argv[2])
run_locally(folder / "few.parquet", folder / "few", model, window=100, search=BeamSearch(2))
Path("/proc/self/clear_refs").write_text("5")  # the peak from now on
few, few_read = peak(), pool.max_memory()
run_locally(folder / "many.parquet", folder / "many", model, window=100, search=BeamSearch(2))
print(peak() - few, (pool.max_memory() - few_read) / 2**20)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak since a moment")
def test_memory_does_not_grow_with_the_input(tmp_path, model):
    """Four times as many documents, in one row group of 100 MB; both are more than what is read ahead."""
    import random

    for name, count in (("few", 2500), ("many", 10_000)):
        letters = random.Random(count)
        rows = [
            {"document_id": str(number), "text": f"ataxia {letters.randbytes(5000).hex()}", "spans": []}
            for number in range(count)
        ]
        rows[0]["spans"] = [{"start": 0, "end": 6}]
        table = pyarrow.Table.from_pylist(rows, schema=SCHEMA)
        pyarrow.parquet.write_table(table, tmp_path / f"{name}.parquet", row_group_size=count, use_dictionary=False)
    assert (tmp_path / "many.parquet").stat().st_size > 90e6
    command = [sys.executable, "-c", MEMORY, str(tmp_path), str(model)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    resident, read = map(float, done.stdout.split())  # MB
    assert read < 2
    # What allocators keep of what was freed comes on top, and differs from run to run.
    assert resident < 50


def test_rows_that_are_skipped_are_not_held(tmp_path, monkeypatch):
    """Twenty batches are read; the last ten take no more memory than the first ten, but for a batch at most."""
    rows = [{"document_id": str(number), "text": f"{number} " * 1000, "spans": []} for number in range(5000)]
    source = write(tmp_path / "in.parquet", rows, row_group=5000)
    allocated = []
    batches = pyarrow.parquet.ParquetFile.iter_batches

    def watched(file, *arguments, **options):
        for batch in batches(file, *arguments, **options):
            allocated.append(pyarrow.total_allocated_bytes())
            yield batch

    monkeypatch.setattr(pyarrow.parquet.ParquetFile, "iter_batches", watched)
    reader = RowReader(InputFiles.find(str(source)), ["text"])
    assert reader.read(Window(0, 4990, 10))["text"].to_pylist() == [row["text"] for row in rows[4990:]]
    assert len(allocated) == 20
    a_batch = 256 * 5000
    assert max(allocated[10:]) < max(allocated[:10]) + a_batch
