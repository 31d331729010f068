"""Training on right names."""
