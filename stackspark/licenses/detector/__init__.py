"""Detectors of licences in texts, in a process beside the task."""
