"""Directories and installed Python environments."""
