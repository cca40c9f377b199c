"""The report of a run: what it shows, how that is computed, and the page itself."""
