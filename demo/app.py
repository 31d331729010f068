"""What the Hub runs: the page at the address and port that a Space's environment names."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def load_own_package() -> None:
    """Make this folder the package `demo`: it is the root of a Space, whose folder has another name."""
    folder = Path(__file__).parent
    spec = importlib.util.spec_from_file_location(
        "demo", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None, "the folder holds an __init__.py"
    module = importlib.util.module_from_spec(spec)
    sys.modules["demo"] = module
    spec.loader.exec_module(module)


def main() -> None:
    """Load the model and serve the page."""
    load_own_package()
    from demo.page import build_page, launch_options
    from demo.workbench import Workbench

    workbench = Workbench()
    workbench.warm_up()
    page = build_page(workbench)
    page.launch(**launch_options(page))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
