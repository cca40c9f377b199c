"""Tables of the search's rounds in Spark."""
