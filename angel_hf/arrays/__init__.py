"""Large arrays on disk: memory-mapped safetensors, packed strings, checks of content."""
