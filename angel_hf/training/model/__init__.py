"""The model to train: from a checkpoint or new, with adapters or without, and how often it is right."""
