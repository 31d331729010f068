"""`python -m eval_harness`: the same as `angel-eval`."""

from eval_harness.cli import app

if __name__ == "__main__":
    app(prog_name="angel-eval")
