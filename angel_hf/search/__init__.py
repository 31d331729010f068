"""Searches for the names of the best score: ids only, no text."""
