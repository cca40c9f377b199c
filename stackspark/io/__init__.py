"""Sessions, the lake, contents, shards."""
