"""The built-in drivers, one in each file."""
