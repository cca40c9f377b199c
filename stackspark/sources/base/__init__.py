"""Base of all kinds of source: specifications, containers, entries, contents, faults, limits."""
