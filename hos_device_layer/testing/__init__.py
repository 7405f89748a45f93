"""Fakes that stand in for what is not there: simulated devices and servers."""
