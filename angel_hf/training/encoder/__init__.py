"""Training of the encoder of strings, on the names of concepts and on annotated mentions."""
