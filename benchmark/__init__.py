"""Measures speed and memory, and compares each with a baseline measured in the same run."""
