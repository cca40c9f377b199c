"""The published identifiers of The Stack v2."""
