"""Text as the model reads it: normal forms, the context window, marked text."""
