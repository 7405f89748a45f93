"""The command line, `hos`."""

# The commands that run until they are stopped, which is their regular end: exit code 0.
SERVICES = ('up', 'host', 'watch')
