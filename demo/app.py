"""What the Hub runs: the page at the address and port that a Space's environment names."""

from __future__ import annotations

from demo.page import build_page, launch_options
from demo.workbench import Workbench

if __name__ == "__main__":
    workbench = Workbench()
    workbench.warm_up()
    build_page(workbench).launch(**launch_options())  # type: ignore[arg-type]
