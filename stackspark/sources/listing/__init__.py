"""Listing: containers are walked, hashed and assembled into origins and files."""
