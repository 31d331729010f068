"""Preference optimisation: right names over the wrong ones that the model ranked above them."""
