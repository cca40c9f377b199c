"""Verdicts: grain, subject and row, and how they become the fate of a file."""
