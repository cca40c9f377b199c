"""Linguist's languages."""
