"""Logging of the client with the standard library."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler

from .settings import Settings

LOGGER_NAME = 'hos_client'

_FORMAT = '%(asctime)s %(levelname)-7s %(name)s: %(message)s'


def make_log_handler(settings: Settings) -> logging.Handler:
    """Return a handler for the settings, to add to the logger `hos_client` or another one."""
    handler: logging.Handler
    if settings.log_file:
        handler = RotatingFileHandler(
            settings.log_file,
            maxBytes=settings.log_max_bytes,
            backupCount=settings.log_backups,
            encoding='utf-8',
            delay=True,
        )
    else:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.setLevel(settings.log_level)
    return handler
