"""A whole run: its plan, its directory and its stages in their order."""
