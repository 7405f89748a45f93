"""The device specification: how its tables are declared, read, checked and compared."""
