"""The interfaces that come with the host."""
