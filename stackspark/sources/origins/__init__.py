"""Which listing counts: all sources together, cached listings, one origin per root."""
