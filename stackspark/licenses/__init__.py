"""Licences: what files declare, what texts say, and what holds for each file."""
