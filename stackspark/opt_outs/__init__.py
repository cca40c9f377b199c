"""Requests to be left out, and what they cover."""
