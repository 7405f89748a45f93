"""Where a specification comes from."""

from .local_copy import LocalCopy

__all__ = ['LocalCopy']
