"""Fetching: the bytes of listed files, read from where they lie, decoded and checked."""
