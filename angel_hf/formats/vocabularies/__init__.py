"""Readers of vocabularies as their publishers give them out: one file a format."""
