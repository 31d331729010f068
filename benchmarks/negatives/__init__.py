"""What negatives add to training: ways of preference training, each beside its control, on one benchmark."""
