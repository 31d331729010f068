"""Readers and writers of documents and ontologies: one file a format."""
