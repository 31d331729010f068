"""From a knowledge base and an annotated corpus to encoded training pairs."""
