"""`python -m demo`: start the page."""

from __future__ import annotations

import argparse

from demo.page import build_page, launch_options
from demo.workbench import DEFAULT_MODEL, Workbench


def main() -> None:
    """Start the page and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="demo", description="The ANGEL page.")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="embedded model, folder or Hub repository")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 to serve other machines")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--share", action="store_true", help="make a public link through Gradio's servers")
    options = parser.parse_args()
    # Who starts the page for this machine alone may name its folders as models.
    is_private = options.host in ("127.0.0.1", "localhost") and not options.share
    workbench = Workbench(options.model, folders=is_private)
    workbench.warm_up()
    page = build_page(workbench)
    page.launch(
        server_name=options.host,
        server_port=options.port,
        share=options.share,
        prevent_thread_lock=True,
        **launch_options(page),  # type: ignore[arg-type]  # options of one function, kept together
    )
    print(f"ready on {page.share_url or page.local_url}", flush=True)  # noqa: T201  # what the program is for
    page.block_thread()


if __name__ == "__main__":
    main()
