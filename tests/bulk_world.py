"""Documents in Parquet, a quick model on disk, and what bulk linking makes of them."""

from functools import partial
from pathlib import Path

import pyarrow
import pyarrow.parquet

from angel_hf import AngelForEntityLinking, KnowledgeBase
from angel_hf.bulk import Job, Options, Report, Totals, link_locally, start
from tests.toy import CONCEPTS, byte_tokenizer, random_model

WORDS = ("ataxia", "Wilson disease", "fever", "A-T", "louis bar", "old fever", "Ataxie")


def save_model(folder: Path, seed: int = 0) -> Path:
    """A random model that links to the toy concepts."""
    model = random_model(byte_tokenizer(), seed)
    model.set_knowledge_base(KnowledgeBase.from_concepts(CONCEPTS))
    model.save_pretrained(folder)
    return folder


def documents(count: int, first: int = 0) -> list[dict]:
    """Documents of up to four mentions among words of uneven number; every fifth has none."""
    rows = []
    for number in range(first, first + count):
        text, spans = f"Case {number}:", []
        for place in range(number % 5):
            text += " the" * ((number * 7 + place) % 9)
            word = WORDS[(number + place * 3) % len(WORDS)]
            spans.append({"start": len(text) + 1, "end": len(text) + 1 + len(word)})
            text += f" {word}"
        rows.append({"document_id": f"d{number}", "text": text + ".", "spans": spans, "year": 1990 + number % 30})
    return rows


SPANS = pyarrow.list_(pyarrow.struct([("start", pyarrow.int64()), ("end", pyarrow.int64())]))
SCHEMA = pyarrow.schema(
    [("document_id", pyarrow.string()), ("text", pyarrow.string()), ("spans", SPANS), ("year", pyarrow.int16())]
)


def write(path: Path, rows: list[dict], row_group: int = 7) -> Path:
    """Rows as a Parquet file of small row groups, so that windows begin and end inside some."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=SCHEMA), path, row_group_size=row_group)
    return path


def run_locally(
    source: object, output: Path, model: Path | AngelForEntityLinking, **options
) -> tuple[list[Report], Totals]:
    """What is left of a run, to its end."""
    job = Job(str(source), str(output), Options(**options))
    load = partial(AngelForEntityLinking.from_pretrained, model) if isinstance(model, Path) else lambda: model
    run = start(job, load)
    return list(link_locally(run)), run.total()


def linked_rows(output: Path) -> list[dict]:
    """The rows of all shards, in the order of their names."""
    return [row for shard in shards(output) for row in pyarrow.parquet.read_table(shard).to_pylist()]


def rejected_rows(output: Path) -> list[dict]:
    """The rejected rows, in the order of the input."""
    paths = sorted((output / "rejected").glob("*.parquet"))
    return [row for path in paths for row in pyarrow.parquet.read_table(path).to_pylist()]


def shards(output: Path) -> list[Path]:
    """The shards of linked mentions."""
    return sorted((output / "linked").glob("*.parquet"))


def contents(output: Path) -> dict[str, bytes]:
    """Every file of an output, by its name in it."""
    return {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}
