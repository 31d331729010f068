"""The Rich Release Format (RRF) of the UMLS Metathesaurus."""
