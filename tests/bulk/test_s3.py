"""Documents in an object store are linked into one as they are on a disk."""

from pathlib import Path

import pytest

from angel_hf.search import BeamSearch
from tests.bulk_world import contents, documents, run_locally, save_model, write
from tests.loopback_s3 import object_store


@pytest.fixture
def keys(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def objects_of(path: Path, key: str) -> dict[str, bytes]:
    return {f"/bucket/{key}/{name}": data for name, data in contents(path).items()}


def test_a_folder_of_an_object_store_is_linked_into_another_and_gone_on_with(tmp_path, keys):
    model = save_model(tmp_path / "model")
    rows = documents(24)
    write(tmp_path / "in" / "a.parquet", rows[:10])
    write(tmp_path / "in" / "b.parquet", rows[10:])
    options = {"window": 5, "search": BeamSearch(2)}
    run_locally(tmp_path / "in", tmp_path / "out", model, **options)
    objects = objects_of(tmp_path / "in", "data/in")
    expected = objects | objects_of(tmp_path / "out", "run")
    with object_store(objects) as place:
        reports, totals = run_locally(f"s3://bucket/data/in{place}", f"s3://bucket/run{place}", model, **options)
        assert (len(reports), totals.rows) == (5, 24)
        assert objects == expected
        del objects["/bucket/run/linked/00001-000000000005.parquet"]
        reports, _ = run_locally(f"s3://bucket/data/in/*.parquet{place}", f"s3://bucket/run{place}", model, **options)
        assert len(reports) == 1
        assert objects == expected
