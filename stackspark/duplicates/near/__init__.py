"""The search for near-duplicates."""
