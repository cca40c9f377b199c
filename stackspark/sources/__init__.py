"""Readers of the outside world: git repositories, directories, archives, environments."""
