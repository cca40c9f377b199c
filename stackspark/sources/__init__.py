"""Where files come from: each kind of source, what it lists and how its bytes are read."""
