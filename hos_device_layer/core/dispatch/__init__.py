"""The rules of the device manager, without input or output: events in, effects out."""
