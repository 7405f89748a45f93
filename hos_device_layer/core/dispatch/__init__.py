"""The decisions of the device manager, pure: events in, effects out."""
