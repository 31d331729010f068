"""Reports of a run: HTML in one file, and Markdown."""
