"""What the Hub runs: the page on all addresses, at the port that Spaces expect."""

from __future__ import annotations

from demo.page import build_page, launch_options
from demo.workbench import Workbench

if __name__ == "__main__":
    workbench = Workbench()
    workbench.warm_up()
    build_page(workbench).launch(server_name="0.0.0.0", server_port=7860, **launch_options())  # type: ignore[arg-type]
