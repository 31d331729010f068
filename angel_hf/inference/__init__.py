"""The forward passes of BART that a search needs: tensors only, no text."""
