"""The built-in interfaces, one in each file."""
