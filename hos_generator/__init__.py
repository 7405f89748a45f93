"""Generates source files from a specification."""
