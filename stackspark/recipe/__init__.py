"""Recipes: their model, and how one is read and checked."""
