"""The linking model with its configuration, processor, pipeline and files."""
