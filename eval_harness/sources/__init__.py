"""Where a benchmark's rows come from: the original release, GenBioEL's files, Parquet, bigbio's Parquet."""
