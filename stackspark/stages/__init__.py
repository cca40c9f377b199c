"""Stages: one pure function per module, from tables to a table."""
