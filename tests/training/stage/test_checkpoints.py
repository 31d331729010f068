"""An incomplete checkpoint is not resumed from."""

import pytest
from transformers import TrainerState

from angel_hf.training.stage.checkpoints import MarkWhole, last_whole_checkpoint


class Arguments:
    def __init__(self, output_dir):
        self.output_dir = str(output_dir)


def mark(directory, step):
    MarkWhole().on_save(Arguments(directory), TrainerState(global_step=step), None)


@pytest.mark.parametrize("cut_short", [{"model.safetensors"}, {"model.safetensors", "trainer_state.json"}])
def test_only_whole_checkpoints_count(tmp_path, cut_short):
    """The last file may be there, and be the start of itself."""
    for step, files in ((90, {"model.safetensors", "trainer_state.json"}), (100, cut_short)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        for name in files:
            (tmp_path / f"checkpoint-{step}" / name).write_text("{", encoding="utf-8")
    mark(tmp_path, 90)
    assert last_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-90")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-90"]


def test_there_may_be_none(tmp_path):
    assert last_whole_checkpoint(tmp_path / "absent") is None
    (tmp_path / "checkpoint-2").mkdir()
    assert last_whole_checkpoint(tmp_path) is None
