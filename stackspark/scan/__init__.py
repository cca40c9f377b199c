"""The scan: one pass over the texts that measures everything that rules look at."""
