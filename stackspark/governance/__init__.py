"""Answers that the people who stand for a dataset owe: why a file is in or out."""
