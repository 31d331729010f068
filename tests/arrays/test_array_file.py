"""Arrays on disk: written whole, opened without a copy, refused when damaged; and offsets."""

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file
from safetensors.torch import load_file as load_tensors
from safetensors.torch import save_file as save_tensors

from angel_hf.arrays import array_file
from angel_hf.arrays.array_file import check_offsets, open_arrays, save_arrays, written_whole
from angel_hf.arrays.ranges import offsets_from_lengths, ranges

ARRAYS = {"letters": np.arange(7, dtype=np.uint8), "counts": np.array([1, 2, 3], dtype=np.int64)}
EXPECTED = {"letters": np.uint8, "counts": np.integer}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "arrays.safetensors"
    save_arrays(path, ARRAYS, {"format": "letters"})
    return path


# Writing and opening


def test_arrays_and_metadata_come_back(file):
    arrays, metadata = open_arrays(file, EXPECTED)
    assert metadata == {"format": "letters"}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)


def test_the_file_is_what_safetensors_itself_reads(file):
    for name, array in load_file(file).items():
        np.testing.assert_array_equal(array, ARRAYS[name], strict=True)


@pytest.mark.parametrize(
    "array",
    [np.zeros(0, dtype=np.int64), np.arange(10)[::2], np.array([2**32 - 1], dtype=np.uint32)],
    ids=["empty", "every second", "unsigned"],
)
def test_any_layout_and_any_integer_can_be_written(tmp_path, array):
    save_arrays(tmp_path / "a.safetensors", {"array": array}, {})
    arrays, metadata = open_arrays(tmp_path / "a.safetensors", {"array": np.integer})
    np.testing.assert_array_equal(arrays["array"], array, strict=True)
    assert metadata == {}


METADATA = {"format": "letters", "fingerprint": "0a" * 32, "β": 'a "quoted" \\ line\n', "other": "", "a": "\x07"}
SAVE = """
import json, sys
import numpy as np
from array_file import save_arrays
arrays = {"letters": np.arange(7, dtype=np.uint8), "counts": np.array([1, 2, 3], dtype=np.int64)}
save_arrays(sys.argv[1], arrays, json.loads(sys.argv[2]))
"""


def test_every_process_writes_the_same_bytes(tmp_path):
    """Safetensors writes metadata in another order each time."""
    paths = [tmp_path / f"{seed}.safetensors" for seed in range(6)]
    for seed, path in enumerate(paths):
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(Path(array_file.__file__).parent)}
        subprocess.run([sys.executable, "-c", SAVE, str(path), json.dumps(METADATA)], env=environment, check=True)
    assert len({path.read_bytes() for path in paths}) == 1
    assert paths[0].stat().st_size % 8 == 7, "seven bytes after arrays that begin at a multiple of eight"
    for load in (load_file, load_tensors):
        found = load(paths[0])
        assert {name: array.tolist() for name, array in found.items()} == {
            name: array.tolist() for name, array in ARRAYS.items()
        }
    assert open_arrays(paths[0], EXPECTED)[1] == METADATA
    with safe_open(paths[0], "np") as file:
        assert file.metadata() == METADATA


def test_opened_arrays_are_the_file_and_no_copy(file):
    """What is written into the file after it was opened is seen in the arrays."""
    arrays = open_arrays(file, EXPECTED)[0]
    content = file.read_bytes()
    with file.open("r+b") as stream:
        stream.seek(content.index(bytes(range(7))))
        stream.write(b"changed")
    assert arrays["letters"].tobytes() == b"changed"


def test_opened_arrays_cannot_be_written_to(file):
    for array in open_arrays(file, EXPECTED)[0].values():
        assert not array.flags.owndata
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_an_open_file_may_be_replaced(file):
    arrays = open_arrays(file, EXPECTED)[0]
    save_arrays(file, {"letters": arrays["letters"][::-1], "counts": arrays["counts"]}, {})
    assert arrays["letters"].tolist() == list(range(7))
    assert open_arrays(file, EXPECTED)[0]["letters"].tolist() == list(range(7))[::-1]


def test_folders_are_made_and_nothing_is_left_beside_the_file(tmp_path):
    path = tmp_path / "new" / "folder" / "a.safetensors"
    save_arrays(path, ARRAYS, {})
    assert list(path.parent.iterdir()) == [path]


def test_a_file_has_the_permissions_of_any_new_file(file, tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


# Whole or not at all


def test_an_error_while_writing_leaves_the_old_file(file, monkeypatch):
    before = file.read_bytes()

    def fails_half_way(arrays, path, metadata):
        with open(path, "wb") as stream:
            stream.write(before[: len(before) // 2])
        raise OSError("no space left on device")

    monkeypatch.setattr(array_file, "save_file", fails_half_way)
    with pytest.raises(OSError, match="no space left"):
        save_arrays(file, {"letters": np.zeros(100, dtype=np.uint8)}, {})
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("error", [OSError("no rename"), KeyboardInterrupt()])
def test_a_failed_or_interrupted_rename_leaves_the_old_file(file, monkeypatch, error):
    before = file.read_bytes()

    def fails(source, target):
        raise error

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(type(error)):
        save_arrays(file, {"letters": np.zeros(100, dtype=np.uint8)}, {})
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("save", ["text", "arrays"])
def test_a_full_disk_is_named_and_leaves_the_old_file(file, monkeypatch, save):
    """The system's error of a write names no file."""
    before = file.read_bytes()
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fails(*_):
        raise full if save == "text" else SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(array_file, "save_file", fails)
    with pytest.raises(OSError, match=f"{file}") as caught:
        save_arrays(file, ARRAYS, {})
    assert "o space left on device" in str(caught.value)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_stays(tmp_path):
    path, other = tmp_path / "text", tmp_path / "text2"
    script = "import os, sys; from array_file import written_whole\n"
    script += "with written_whole(sys.argv[1]), written_whole(sys.argv[2]): os._exit(9)"
    environment = os.environ | {"PYTHONPATH": str(Path(array_file.__file__).parent)}
    subprocess.run([sys.executable, "-c", script, path, other], env=environment, check=False)
    assert len(list(tmp_path.iterdir())) == 2
    strange, old = tmp_path / f".text.{'0' * 32}.tmp", tmp_path / f".text.{'1' * 32}.tmp"
    strange.touch()
    old.touch()
    os.utime(old, (0, 0))
    with written_whole(path) as living, written_whole(path):
        assert Path(living).exists()
    # Of another file, and of another machine until a day has passed, nothing is known.
    assert {one.name[:6] for one in tmp_path.iterdir()} == {"text", ".text2", ".text."}
    assert strange.exists()
    assert not old.exists()


def test_a_reader_sees_the_old_file_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "text"
    path.write_text("old")
    with written_whole(path) as temporary:
        with open(temporary, "w") as stream:
            stream.write("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


# Refused


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(FileNotFoundError, match=f"{path}: no such file; expected a safetensors file with letters"):
            open_arrays(path, EXPECTED)


def test_a_file_cut_short_anywhere_is_refused(file):
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="arrays.safetensors: not a readable safetensors file .* build it again"):
            open_arrays(file, EXPECTED)


@pytest.mark.parametrize("content", [b"", b"PAR1" * 10, b'{"a": 1}', bytes(64), b"\xff" * 64])
def test_another_kind_of_file_is_refused(file, content):
    file.write_bytes(content)
    with pytest.raises(ValueError, match="arrays.safetensors: not a readable safetensors file"):
        open_arrays(file, EXPECTED)


def test_the_weights_of_a_model_are_refused(tmp_path):
    for dtype in (torch.float32, torch.bfloat16):
        save_tensors({"weight": torch.zeros(2, 2, dtype=dtype)}, tmp_path / "model.safetensors")
        with pytest.raises(ValueError, match="model.safetensors: .*(has no array 'letters'|BFloat16)"):
            open_arrays(tmp_path / "model.safetensors", EXPECTED)


@pytest.mark.parametrize(
    ("letters", "found"),
    [
        (np.zeros(3, dtype=np.float32), "float32 of 1 dimensions; expected one dimension of uint8"),
        (np.zeros(3, dtype=np.int64), "int64 of 1 dimensions; expected one dimension of uint8"),
        (np.zeros((2, 2), dtype=np.uint8), "uint8 of 2 dimensions; expected one dimension of uint8"),
    ],
)
def test_an_array_of_another_kind_is_refused(file, letters, found):
    save_arrays(file, ARRAYS | {"letters": letters}, {})
    with pytest.raises(ValueError, match=f"arrays.safetensors: array 'letters' is {found}"):
        open_arrays(file, EXPECTED)


# Offsets

lengths_ = hnp.arrays(np.int64, st.integers(0, 20), elements=st.integers(0, 9))


@given(lengths_)
def test_offsets_are_the_running_sum(lengths):
    offsets = offsets_from_lengths(lengths)
    assert offsets.dtype == np.int64
    assert offsets.tolist() == [sum(lengths[:end].tolist()) for end in range(len(lengths) + 1)]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6))))
def test_ranges_are_those_of_python(pairs):
    starts = np.array([start for start, _ in pairs], dtype=np.uint32)
    lengths = np.array([length for _, length in pairs], dtype=np.int64)
    expected = [number for start, length in pairs for number in range(start, start + length)]
    assert ranges(starts, lengths).tolist() == expected


@pytest.mark.parametrize("offsets", [[0], [0, 0, 3, 3], [0, 3]])
def test_offsets_that_fit_are_accepted(offsets):
    check_offsets("file", "name", np.array(offsets), offsets[-1])


@pytest.mark.parametrize("offsets", [[], [1, 3], [0, 2], [0, 4, 3], [0, -1, 3]])
def test_offsets_that_do_not_fit_are_refused(offsets):
    with pytest.raises(ValueError, match="file: offsets 'name' do not run from 0 to 3; the file is damaged"):
        check_offsets("file", "name", np.array(offsets, dtype=np.int64), 3)
