"""The drivers that come with the host, one a file."""
