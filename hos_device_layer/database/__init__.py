"""Sources of specifications: the local copy and Airtable."""

from .local_copy import LocalCopy

__all__ = ['LocalCopy']
