"""The device specification: its tables, how they are read, checked and compared."""
