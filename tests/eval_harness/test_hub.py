"""Built folders and bigbio's Parquet branches, on disk and on a Hub; the Hub's client runs in a process of its own."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eval_harness.benchmarks import ASKAPATIENT, BC5CDR, COMETA, MEDMENTIONS, NCBI
from eval_harness.build import build
from eval_harness.corpus import open_corpus
from eval_harness.sources.parquet import DESCRIPTION_FILE
from tests.eval_harness.formats import write_askapatient, write_bc5cdr, write_cometa, write_medmentions, write_names
from tests.eval_harness.loopback_hub import Repositories, serve

SAMPLE = Path(__file__).parent / "sample"


def test_a_folder_loads_as_a_dataset_with_its_configurations(tmp_path: Path) -> None:
    corpus = open_corpus(NCBI, SAMPLE / "released", knowledge_base_files=[SAMPLE / "medic.txt"], allow_different=True)
    built = build(corpus, tmp_path / "built")
    assert [(one.split, one.rows) for one in built.splits] == [("train", 47), ("dev", 43), ("test", 53)]
    cache = str(tmp_path / "cache")
    rows = datasets.load_dataset(str(built.folder), "mentions", split="test", cache_dir=cache)
    assert rows.num_rows == 53
    assert all(row["text"][row["start"] : row["end"]] == row["mention"] for row in rows)
    concepts = datasets.load_dataset(str(built.folder), "knowledge_base", split="train", cache_dir=cache)
    assert concepts.num_rows == built.concepts == 123
    card = (built.folder / "README.md").read_text()
    assert "| test | 53 |" in card
    assert json.loads((built.folder / DESCRIPTION_FILE).read_text())["sources_sha256"].keys() >= {"medic.txt"}


@pytest.mark.parametrize("kind", ["released", "genbioel"])
def test_a_folder_gives_the_rows_that_it_was_built_from(tmp_path: Path, kind: str) -> None:
    corpus = open_corpus(NCBI, SAMPLE / kind, "published", allow_different=True)
    built = build(corpus, tmp_path / "built")
    again = open_corpus(NCBI, built.folder, "published", allow_different=True)
    for split in ("train", "dev", "test"):
        assert again.examples(split) == corpus.examples(split)
        assert again.learnable((split,), "") == corpus.learnable((split,), "")
    assert again.text_form == corpus.text_form
    if kind == "genbioel":
        assert again.ontology is None
        assert again.published_knowledge_base is not None
    with pytest.raises(ValueError, match=f"ncbi test: 53 mentions; parquet has 960"):  # noqa: F541
        open_corpus(NCBI, built.folder).examples("test")
    with pytest.raises(ValueError, match="holds ncbi; expected bc5cdr"):
        open_corpus(BC5CDR, built.folder)


def test_names_that_may_not_be_handed_on_stay_out_of_what_is_pushed(tmp_path: Path) -> None:
    names = [write_names(tmp_path / "names.safetensors")]
    mm = open_corpus(MEDMENTIONS, write_medmentions(tmp_path / "mm"), "released", names, allow_different=True)
    assert build(mm, tmp_path / "kept").concepts == 10
    assert "**The names of the knowledge base must not be redistributed**" in (tmp_path / "kept/README.md").read_text()
    pushed = build(mm, tmp_path / "pushed", to_be_pushed=True)
    assert pushed.concepts == 0
    assert not (tmp_path / "pushed" / "knowledge_base").exists()
    assert "which needs a licence" in (tmp_path / "pushed" / "README.md").read_text()
    cometa = open_corpus(COMETA, write_cometa(tmp_path / "cometa"), "released", names, allow_different=True)
    with pytest.raises(ValueError, match="may not be redistributed"):
        build(cometa, tmp_path / "no", to_be_pushed=True)
    assert "**Not to be redistributed.**" in (build(cometa, tmp_path / "c").folder / "README.md").read_text()


def test_folds_are_configurations(tmp_path: Path) -> None:
    corpus = open_corpus(ASKAPATIENT, write_askapatient(tmp_path / "files"), allow_different=True)
    built = build(corpus, tmp_path / "built")
    rows = datasets.load_dataset(str(built.folder), "fold-7", split="test", cache_dir=str(tmp_path / "cache"))
    assert rows["mention"] == ["can't sleep", "Lipitor"]
    again = open_corpus(ASKAPATIENT, built.folder, allow_different=True)
    assert again.folds("test") == tuple("0123456789")
    assert again.examples("train", "7") == corpus.examples("train", "7")


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    built = build(open_corpus(BC5CDR, write_bc5cdr(tmp_path / "cdr"), allow_different=True), tmp_path / "built")
    file = built.folder / "mentions" / "test.parquet"
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"test\.parquet: not a whole Parquet file"):
        open_corpus(BC5CDR, built.folder, allow_different=True).examples("test")
    pq.write_table(pa.table({"text": ["a"]}), file)
    with pytest.raises(ValueError, match=r"test\.parquet: no column document_id, start"):
        open_corpus(BC5CDR, built.folder, allow_different=True).examples("test")


def bigbio_rows(source: Path, split: str) -> list[dict[str, Any]]:
    """A split of BC5CDR in bigbio's schema."""
    examples = open_corpus(BC5CDR, source, allow_different=True).examples(split)
    text = examples[0].mention.text
    title = text.index(".") + 1
    passages = [
        {"id": "p0", "type": "title", "text": [text[:title]], "offsets": [[0, title]]},
        {"id": "p1", "type": "abstract", "text": [text[title + 1 :]], "offsets": [[title + 1, len(text)]]},
    ]
    entities = [
        {
            "id": f"e{number}",
            "type": one.semantic_types[0],
            "text": [one.mention.surface],
            "offsets": [[one.mention.start, one.mention.end]],
            "normalized": [{"db_name": "MESH", "db_id": concept} for concept in one.concept_ids or ("-1",)],
        }
        for number, one in enumerate(examples)
    ]
    return [{"id": "0", "document_id": examples[0].document_id, "passages": passages, "entities": entities}]


def parquet_bytes(rows: list[dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


@pytest.fixture
def hub() -> Iterator[Repositories]:
    with serve() as repositories:
        yield repositories


def angel_eval(hub: Repositories, home: Path, *commands: list[str]) -> subprocess.CompletedProcess[str]:
    """The commands, one after the other in one process, against the Hub of the test."""
    # A token of the loopback server, which takes any.
    settings = {
        "HF_ENDPOINT": hub.address,
        "HF_TOKEN": "loopback",
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    program = f"from eval_harness.cli import app\nfor one in {commands!r}: app(one, standalone_mode=False)"
    run = [sys.executable, "-c", program]
    return subprocess.run(run, env=os.environ | settings, capture_output=True, text=True, cwd=Path(__file__).parents[2])


def test_a_bigbio_repository_is_read_from_its_parquet_branch(hub: Repositories, tmp_path: Path) -> None:
    source = write_bc5cdr(tmp_path / "cdr")
    config = "bc5cdr_bigbio_kb"
    directories = {"train": "train", "dev": "validation", "test": "test"}
    hub.files["bigbio/bc5cdr"] = {
        "main": {"bc5cdr.py": b"raise SystemExit", "README.md": b"scripts no longer run"},
        "refs/convert/parquet": {
            f"{config}/{directory}/0000.parquet": parquet_bytes(bigbio_rows(source, split))
            for split, directory in directories.items()
        }
        | {"bc5cdr_source/test/0000.parquet": b"of another schema"},
    }
    names = ["--knowledge-base", str(write_names(tmp_path / "names.safetensors"))]
    asked = [*names, "--sample", "--predictor", "exact", "--protocol", "strict", "angel"]
    run = ["run", "--benchmark", "bc5cdr", *asked]
    here = [*run, "--source", str(source), "--out", str(tmp_path / "a")]
    there = [*run, "--source", "bigbio/bc5cdr", "--out", str(tmp_path / "b")]
    ended = angel_eval(hub, tmp_path, here, there)
    assert ended.returncode == 0, ended.stderr
    for protocol in ("strict", "angel"):
        own, theirs = (pq.read_table(tmp_path / out / f"predictions/exact-{protocol}.parquet") for out in "ab")
        assert own.equals(theirs)
    assert json.loads((tmp_path / "b" / "results.json").read_text())["source"] == "bigbio"


def test_a_pushed_folder_is_a_source(hub: Repositories, tmp_path: Path) -> None:
    medic = ["--knowledge-base", str(SAMPLE / "medic.txt")]
    given = ["build", "ncbi", "--source", str(SAMPLE / "released"), *medic, "--allow-different"]
    pushed = [*given, "--out", str(tmp_path / "built"), "--push-to-hub", "org/angel-bench-ncbi"]
    asked = ["--sample", "--predictor", "exact", "--protocol", "strict", "--out", str(tmp_path / "out")]
    run = ["run", "--benchmark", "ncbi", "--source", "org/angel-bench-ncbi", *asked]
    ended = angel_eval(hub, tmp_path / "home", pushed, run)
    assert ended.returncode == 0, ended.stderr
    assert f"{hub.address}/datasets/org/angel-bench-ncbi/commit/" in ended.stdout
    files = hub.files["org/angel-bench-ncbi"]["main"]
    assert {"README.md", "benchmark.json", "mentions/test.parquet", "knowledge_base/concepts.parquet"} <= files.keys()
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (result["source"], result["results"][0]["mentions"]) == ("parquet", 53)
