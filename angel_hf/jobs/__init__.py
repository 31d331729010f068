"""Parts of long jobs: files written whole, progress, resuming, refusals."""
