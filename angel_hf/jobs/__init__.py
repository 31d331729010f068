"""What long jobs share: files written whole, progress, resuming, refusals."""
