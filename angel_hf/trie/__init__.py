"""All names of a knowledge base as a trie over token ids."""
