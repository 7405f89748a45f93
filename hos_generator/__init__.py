"""From a specification to source files."""
