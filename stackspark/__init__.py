"""Build code datasets for language models on Apache Spark."""

__version__ = "0.1.0"
