"""Set up what `hos` needs beside it and start the command line, with the standard library only."""
