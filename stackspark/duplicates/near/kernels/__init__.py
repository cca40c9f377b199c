"""Kernels of the search: shingles, MinHash, buckets, resolution; no Spark."""
