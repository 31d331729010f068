"""SIGTERM and a full disk: nothing half-written stays, the exit code tells, and the next run clears up."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.cli_stub import run

SECONDS = 300
ANGEL = [sys.executable, "-m", "angel_hf"]


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_stopped_run_leaves_no_output_and_the_next_clears_up(tmp_path, number, code):
    output = tmp_path / "out.jsonl"
    command = [*ANGEL, "annotate", "--input-format", "jsonl", "-o", str(output), "--device", "cpu"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    # It waits for the rest of its input when it is told to end.
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as process:
        process.stdin.write(b'{"document_id": "1", "text": "asthma"}\n')
        process.stdin.flush()
        end = time.monotonic() + SECONDS
        while not hidden(tmp_path) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(number)
        _, error = process.communicate(timeout=SECONDS)
    assert process.returncode == code
    assert b"Traceback" not in error
    assert not output.exists()
    assert bool(hidden(tmp_path)) == (number == signal.SIGKILL)
    done = run("annotate", "asthma", "-o", output)
    assert done.exit_code == 0, done.stderr
    assert os.listdir(tmp_path) == ["out.jsonl"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
@pytest.mark.parametrize("arguments", [["-o", "/dev/full"], []], ids=["file", "standard output"])
def test_a_full_disk_is_named(tmp_path, arguments):
    with open("/dev/full", "w") as full:
        command = [*ANGEL, "annotate", "asthma", "--output-format", "jsonl", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    place = "/dev/full" if arguments else "standard output"
    assert done.stderr.splitlines()[-1] == f"error: {place}: no space left on device"
