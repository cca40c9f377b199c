"""Comparison of near-duplicate searches: corpora, the exact truth, scores, peers."""
