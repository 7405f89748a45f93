"""The specification in Airtable: reading, writing and following a base."""
