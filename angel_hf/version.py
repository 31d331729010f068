"""The version of the package; imports nothing, so that it can be read without loading a library."""

__version__ = "0.1.0"
