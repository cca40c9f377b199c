"""Benchmark items, and the matcher that finds them in texts."""
