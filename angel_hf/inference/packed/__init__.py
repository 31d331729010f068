"""The engine for CPUs: batches without padding, weights laid out once for many products."""
