"""What all stages share: their materials, artifacts, checkpoints and trainer options."""
