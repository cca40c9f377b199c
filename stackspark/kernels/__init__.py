"""Work on bytes: Arrow in, Arrow out, no Spark."""
