"""Archives: tar, zip and the streams inside them, never unpacked to disk."""
