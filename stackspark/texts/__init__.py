"""Metrics of texts: lines, letters, encoded data, visible text of HTML; no Spark."""
