"""Decoding: from the bytes of a file to its text, the right one or none."""
