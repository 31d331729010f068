"""Ray's workers make the shards that one process makes, and go on when one of them dies."""

import importlib.util
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from angel_hf import AngelForEntityLinking
from angel_hf.bulk import Job, Options, link_with_ray, start
from angel_hf.search import BeamSearch
from tests.bulk_world import contents, documents, run_locally, save_model, shards, write
from tests.cli_stub import run

RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not RAY, reason="RAY IS NOT INSTALLED: bulk linking over Ray goes untested here")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def two_cores():
    """Ray on two cores, whatever the machine has."""
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.mark.slow
@needs_ray
def test_two_workers_one_killed_in_the_middle_make_the_shards_of_one_process(tmp_path, model, two_cores):
    rows = documents(120)
    rows[50]["text"] = None
    options = {"window": 3, "search": BeamSearch(4)}
    source, notes = write(tmp_path / "in.parquet", rows), tmp_path / "workers"
    notes.mkdir()

    def load() -> AngelForEntityLinking:
        (notes / str(os.getpid())).touch()
        return AngelForEntityLinking.from_pretrained(model)

    job = Job(str(source), str(tmp_path / "out"), Options(**options))
    run = start(job, partial(AngelForEntityLinking.from_pretrained, model))
    killed, reports = None, []
    for report in link_with_ray(run, load, workers=2):
        reports.append(report)
        if killed is None and len(reports) == 8:
            killed = max(notes.iterdir(), key=lambda note: note.stat().st_mtime_ns)
            os.kill(int(killed.name), signal.SIGKILL)
    assert len(list(notes.iterdir())) == 3, "two workers, and one in the place of the killed one"
    assert len(reports) == 40
    assert sum(report.rejected for report in reports) == 1
    totals = run.total()
    assert run_locally(source, tmp_path / "local", model, **options)[1] == totals
    assert contents(tmp_path / "out") == contents(tmp_path / "local")


@pytest.mark.slow
@needs_ray
def test_one_engine_goes_on_where_the_other_was_stopped(tmp_path, model, two_cores):
    source = write(tmp_path / "in.parquet", documents(20))
    arguments = ["bulk", "--input", source, "--model", model, "--window", 4, "--num-beams", 2, "--device", "cpu"]
    run(*arguments, "--output", tmp_path / "out")
    whole = contents(tmp_path / "out")
    for number in (1, 2):
        sorted((tmp_path / "out" / "linked").iterdir())[number].unlink()
    resumed = run(*arguments, "--output", tmp_path / "out", "--engine", "ray", "--workers", 1)
    assert resumed.exit_code == 0, resumed.stderr
    assert "(12 of the documents by an earlier run)" in resumed.stderr
    assert contents(tmp_path / "out") == whole


@pytest.mark.slow
@needs_ray
def test_a_worker_with_another_model_stops_the_run(tmp_path, model, two_cores):
    other = save_model(tmp_path / "other", seed=1)
    job = Job(str(write(tmp_path / "in.parquet", documents(4))), str(tmp_path / "out"), Options(search=BeamSearch(2)))
    run = start(job, partial(AngelForEntityLinking.from_pretrained, model))
    with pytest.raises(RuntimeError, match="a worker could not begin: it has another model than the run: weights is "):
        list(link_with_ray(run, partial(AngelForEntityLinking.from_pretrained, other), workers=1))


@pytest.mark.slow
@needs_ray
def test_a_window_that_kills_every_worker_stops_the_run_and_keeps_the_other_shards(tmp_path, model, two_cores):
    def load() -> AngelForEntityLinking:
        from angel_hf.bulk.worker import Worker

        link = Worker.link
        Worker.link = lambda self, window, rows: os._exit(1) if window.first_row == 8 else link(self, window, rows)
        return AngelForEntityLinking.from_pretrained(model)

    source = write(tmp_path / "in.parquet", documents(20))
    job = Job(str(source), str(tmp_path / "out"), Options(window=4, search=BeamSearch(2)))
    run = start(job, partial(AngelForEntityLinking.from_pretrained, model))
    with pytest.raises(RuntimeError, match="in.parquet: rows 8 to 11 ended 4 workers.* the same command resumes"):
        list(link_with_ray(run, load, workers=1))
    there = {path.name for path in shards(tmp_path / "out")}
    assert "00000-000000000008.parquet" not in there
    assert there
    run_locally(source, tmp_path / "out", model, window=4, search=BeamSearch(2))
    run_locally(source, tmp_path / "local", model, window=4, search=BeamSearch(2))
    assert contents(tmp_path / "out") == contents(tmp_path / "local")


@pytest.mark.slow
@needs_ray
def test_more_workers_than_fit_are_refused(tmp_path, model, two_cores):
    source = write(tmp_path / "in.parquet", documents(4))
    arguments = ["--input", source, "--model", model, "--num-beams", 2, "--output", tmp_path / "out", "--engine", "ray"]
    result = run("bulk", *arguments, "--workers", 3)
    assert result.exit_code == 2
    assert "3 workers of 1 threads do not fit into Ray's 2 cores; expected 1 to 2 workers" in result.stderr


def test_without_ray_the_extra_is_named(tmp_path, model, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    source = write(tmp_path / "in.parquet", documents(4))
    arguments = ["--input", source, "--model", model, "--num-beams", 2, "--output", tmp_path / "out", "--engine", "ray"]
    result = run("bulk", *arguments)
    assert result.exit_code == 2
    assert result.stderr == "error: linking with Ray needs: pip install 'angel-hf[ray]'\n"
    assert Path(tmp_path / "out" / "manifest.json").exists()
