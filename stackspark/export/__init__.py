"""Exports: documents, shards, manifests and dataset cards."""
