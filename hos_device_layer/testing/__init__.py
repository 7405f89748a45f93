"""Simulated devices, a fake Airtable server and other aids for tests and demonstrations."""
