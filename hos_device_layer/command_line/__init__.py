"""The command line, `hos`."""
