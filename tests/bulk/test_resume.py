"""A run that was stopped, however rudely, goes on to what an undisturbed one makes, and with nothing else."""

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch

from angel_hf import AngelForEntityLinking
from angel_hf.bulk import Columns, Job, Options, start
from angel_hf.bulk.output import MANIFEST
from angel_hf.model.low_precision import in_low_precision
from angel_hf.model.subset import restricted
from angel_hf.search import BeamSearch, VerbatimFirst
from tests.bulk_world import contents, documents, run_locally, save_model, shards, write
from tests.cli_stub import run

SECONDS_UNTIL_STUCK = 600


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


def leave_behind(path: Path) -> None:
    """What a process leaves that is killed while it writes a file."""
    script = "import os, sys; from angel_hf.arrays.array_file import written_whole\n"
    script += "with written_whole(sys.argv[1]) as partial: os._exit(9)"
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert list(path.parent.glob(f".{path.name}.*.tmp"))


def test_a_shard_does_not_depend_on_what_ran_before(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(60), row_group=25)
    run_locally(source, tmp_path / "whole", model, window=8, search=BeamSearch(2))
    whole = contents(tmp_path / "whole")
    for number, shard in enumerate(shards(tmp_path / "whole")):
        if number % 3:
            shard.unlink()
    leave_behind(tmp_path / "whole" / "linked" / "00000-000000000008.parquet")
    reports, totals = run_locally(source, tmp_path / "whole", model, window=8, search=BeamSearch(2))
    assert len(reports) == 5
    assert contents(tmp_path / "whole") == whole
    assert totals.rows == 60


def test_a_finished_run_is_not_done_again(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(10))
    run_locally(source, tmp_path / "out", model, search=BeamSearch(2))
    before = [path.stat().st_mtime_ns for path in shards(tmp_path / "out")]
    reports, _ = run_locally(source, tmp_path / "out", model, search=BeamSearch(2))
    assert reports == []
    assert [path.stat().st_mtime_ns for path in shards(tmp_path / "out")] == before


def test_the_input_may_move_between_runs(tmp_path, model):
    write(tmp_path / "a" / "in.parquet", documents(10))
    run_locally(tmp_path / "a", tmp_path / "out", model, window=5, search=BeamSearch(2))
    shards(tmp_path / "out")[0].unlink()
    (tmp_path / "a").rename(tmp_path / "b")
    reports, _ = run_locally(tmp_path / "b", tmp_path / "out", model, window=5, search=BeamSearch(2))
    assert len(reports) == 1


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"window": 6}, "options.window was 5 and is 6"),
        ({"search": BeamSearch(3)}, "options.search.num_beams was 2 and is 3"),
        ({"search": VerbatimFirst(BeamSearch(2))}, "options.search.name was 'BeamSearch' and is 'VerbatimFirst'"),
        ({"threads": 2}, "options.threads was 1 and is 2"),
        ({"columns": Columns(keep=("year",))}, r"options.columns.keep was \[\] and is \['year'\]"),
        ({"model": 1}, "model.weights was "),
        ({"rows": 11}, "inputs.in.parquet.bytes was "),
        ({"file": "other.parquet"}, "inputs.in.parquet was {.*} and is None"),
        ({"activation_function": "relu"}, "model.config.activation_function was 'gelu' and is 'relu'"),
    ],
    ids=str,
)
def test_a_run_goes_on_with_the_same_only_and_names_what_differs(tmp_path, model, change, difference):
    options = {"window": 5, "search": BeamSearch(2)}
    run_locally(write(tmp_path / "in.parquet", documents(10)), tmp_path / "out", model, **options)
    changed = dict(change)
    other = save_model(tmp_path / "model", changed.pop("model")) if "model" in changed else model
    if "activation_function" in changed:
        other = AngelForEntityLinking.from_pretrained(model)
        other.config.activation_function = changed.pop("activation_function")
    source = write(tmp_path / changed.pop("file", "in.parquet"), documents(changed.pop("rows", 10)))
    with pytest.raises(ValueError, match=f"holds the work of another run: {difference}"):
        run_locally(source, tmp_path / "out", other, **options | changed)


def test_a_restricted_model_is_another(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(10))
    whole = AngelForEntityLinking.from_pretrained(model)
    run_locally(source, tmp_path / "out", whole, search=BeamSearch(2))
    concept = next(whole.knowledge_base.concepts()).concept_id
    with pytest.raises(ValueError, match="another run: model.allowed_concepts was None and is '"):
        run_locally(source, tmp_path / "out", restricted(whole, below=[concept]), search=BeamSearch(2))


def test_a_model_in_8_bit_integers_is_another_and_so_is_one_of_other_weights(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(10))
    whole = AngelForEntityLinking.from_pretrained(model)
    run_locally(source, tmp_path / "out", in_low_precision(whole, "int8"), search=BeamSearch(2))
    run_locally(source, tmp_path / "out", in_low_precision(whole, "int8"), search=BeamSearch(2))
    with torch.no_grad():
        whole.model.decoder.layers[0].fc2.weight.mul_(1.5)
    for other in (AngelForEntityLinking.from_pretrained(model), in_low_precision(whole, "int8")):
        with pytest.raises(ValueError, match="another run: model.weights was "):
            run_locally(source, tmp_path / "out", other, search=BeamSearch(2))


def test_a_run_that_was_stopped_before_its_first_shard_holds_nothing(tmp_path, model):
    """Such as one whose detector had a name that does not exist."""
    source = write(tmp_path / "in.parquet", documents(10))
    options = Options(search=BeamSearch(2), window=5)
    start(Job(str(source), str(tmp_path / "out"), options), partial(AngelForEntityLinking.from_pretrained, model))
    leave_behind(tmp_path / "out" / MANIFEST)
    run_locally(source, tmp_path / "out", model, search=BeamSearch(2), window=6)
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["options"]["window"] == 6
    assert not list((tmp_path / "out").glob(".*"))


def test_a_folder_of_other_files_is_not_written_to(tmp_path, model):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years")
    with pytest.raises(ValueError, match="holds files, but no manifest.json of a run; name an empty or new folder"):
        run_locally(write(tmp_path / "in.parquet", documents(3)), tmp_path / "out", model)


@pytest.mark.parametrize("folder", ["linked", "rejected"])
def test_shards_without_a_manifest_are_no_part_of_a_new_run(tmp_path, model, folder):
    """Whose they are cannot be told any more: of other options or another model, perhaps."""
    (tmp_path / "out" / folder).mkdir(parents=True)
    shard = tmp_path / "out" / folder / "00000-000000000000.parquet"
    shard.write_bytes(b"of another run")
    with pytest.raises(ValueError, match="holds files, but no manifest.json of a run"):
        run_locally(write(tmp_path / "in.parquet", documents(3)), tmp_path / "out", model)
    assert contents(tmp_path / "out") == {f"{folder}/{shard.name}": b"of another run"}


def test_a_damaged_shard_is_found_at_the_end_and_made_again_once_it_is_removed(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(10))
    run_locally(source, tmp_path / "out", model, window=5, search=BeamSearch(2))
    shards(tmp_path / "out")[1].write_bytes(b"PAR1 no longer")
    with pytest.raises(ValueError, match="00000-000000000005.parquet: not a shard of a run .* remove it and run again"):
        run_locally(source, tmp_path / "out", model, window=5, search=BeamSearch(2))
    shards(tmp_path / "out")[1].unlink()
    assert run_locally(source, tmp_path / "out", model, window=5, search=BeamSearch(2))[1].rows == 10


def killed_after(count: int, output: Path, command: list[str]) -> int:
    """Run the command, kill it without warning once it has written some shards; returns how many there are then.

    It may take any time as long as it works: a process that neither ends, uses a processor nor writes is stuck.
    """
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        progress, last_progress = None, time.monotonic()
        while len(shards(output)) < count:
            assert process.poll() is None, process.stderr.read()
            found = (len(shards(output)), processor_seconds(process.pid))
            if found != progress:
                progress, last_progress = found, time.monotonic()
            elif time.monotonic() - last_progress > SECONDS_UNTIL_STUCK:
                process.kill()
                pytest.fail(f"stuck at {progress[0]} shards")
            time.sleep(0.002)
        process.kill()
    assert process.returncode == -9
    return len(shards(output))


def processor_seconds(pid: int) -> float:
    try:
        return sum(psutil.Process(pid).cpu_times()[:2])
    except psutil.NoSuchProcess:
        return 0.0  # it has just ended


def test_after_kill_9_the_same_command_goes_on_without_a_lost_or_doubled_row(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(200))
    arguments = ["bulk", "--input", source, "--model", model, "--window", 2, "--num-beams", 2, "--device", "cpu"]
    arguments = [str(argument) for argument in arguments]
    angel = [sys.executable, "-m", "angel_hf"]
    killed = killed_after(3, tmp_path / "out", [*angel, *arguments, "--output", str(tmp_path / "out")])
    assert 3 <= killed < 100
    resumed = run(*arguments, "--output", tmp_path / "out")
    assert resumed.exit_code == 0, resumed.stderr
    assert f"linked 400 mentions in 200 documents ({killed * 2} of the documents by an earlier run)" in resumed.stderr
    whole = run(*arguments, "--output", tmp_path / "whole")
    assert whole.stderr.endswith("linked 400 mentions in 200 documents\n")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_kill_9_again_and_again(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(600))
    arguments = ["bulk", "--input", str(source), "--model", str(model), "--window", "6", "--num-beams", "4"]
    command = [sys.executable, "-m", "angel_hf", *arguments, "--output", str(tmp_path / "out")]
    there = 0
    for more in (1, 2, 5, 11):
        there = killed_after(there + more, tmp_path / "out", command)
        assert there < 100
    assert run(*arguments, "--output", tmp_path / "out").exit_code == 0
    run(*arguments, "--output", tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
