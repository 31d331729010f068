"""Cards of models, datasets, metrics and Spaces, rendered from result files, and their way to the Hub."""
