"""Recipes: TOML files, the tables they hold, and their reading."""
