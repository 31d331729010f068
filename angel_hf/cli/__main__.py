"""`python -m angel_hf.cli`: the command line `angel`."""

from angel_hf.cli import app

if __name__ == "__main__":
    app(prog_name="angel")
