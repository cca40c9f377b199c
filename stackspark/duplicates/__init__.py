"""Duplicates: which copy stays, and how much of a language or source may go."""
