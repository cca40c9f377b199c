"""The lake: Delta tables, versions, publications, locks, and reading contents."""
