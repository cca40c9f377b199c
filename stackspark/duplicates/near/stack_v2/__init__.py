"""The near-duplicate rule of The Stack v2, for comparison only."""
