"""What all kinds of source share: specifications, containers, entries, contents, limits."""
