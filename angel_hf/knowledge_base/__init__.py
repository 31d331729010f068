"""Concepts and their names: flat tables, changes, Parquet, names that are withheld."""
