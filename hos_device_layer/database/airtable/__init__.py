"""The specification in Airtable: snapshot, writing and following a base."""
