"""Start ROS in a program; what ROS refuses is an error that says what, where and what to do."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence

import rclpy
from rclpy.exceptions import NameValidationException, ParameterException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.validate_namespace import validate_namespace

from .core.errors import HosError
from .core.text import not_utf8
from .fast_dds import choose_profile
from .ros_arguments import namespace_rules

# DDS derives port numbers from the domain id; those of higher ones do not exist.
_MAX_DOMAIN_ID = 232

# Places in the source code of ROS, which its errors name.
_PLACES = re.compile(r', at /\S+:\d+')


class RosArgumentsError(HosError, ValueError):
    """The namespace, another argument of ROS, or an environment variable of it is not valid."""


def start_ros(arguments: Sequence[str] | None) -> None:
    """
    Initialize rclpy, without signal handlers, for the arguments of a program (None: of this one).

    Raises RosArgumentsError.
    """
    given = list(sys.argv if arguments is None else arguments)
    _check(given)
    choose_profile(os.environ)
    try:
        rclpy.init(args=given, signal_handler_options=rclpy.SignalHandlerOptions.NO)
    except RuntimeError as error:
        raise RosArgumentsError(_reason(error)) from None
    domain_id = rclpy.get_default_context().get_domain_id()
    if domain_id > _MAX_DOMAIN_ID:
        rclpy.shutdown()
        raise RosArgumentsError(
            f'ROS_DOMAIN_ID: expected 0 to {_MAX_DOMAIN_ID}, found {domain_id}; set another one'
        )


@contextlib.contextmanager
def creating_node() -> Iterator[None]:
    """Raise RosArgumentsError for what ROS refuses while a node is created."""
    try:
        yield
    except (
        NameValidationException,
        ParameterException,
        rclpy_implementation.RCLError,
    ) as error:
        raise RosArgumentsError(_reason(error)) from error


def check_namespace(option: str, namespace: str) -> None:
    """Raise RosArgumentsError with the option if a namespace is not valid."""
    try:
        # ROS checks it only when it creates the node, and then may give a wrong reason.
        validate_namespace(namespace)
    except NameValidationException as error:
        reason = f'{_first_line(error)}; expected a namespace such as /lab'
        raise RosArgumentsError(f'{option}: {reason}') from None


def _check(arguments: Sequence[str]) -> None:
    if reason := not_utf8(arguments):
        raise RosArgumentsError(f'invalid ROS arguments: {reason}')
    for rule, namespace in namespace_rules(arguments):
        check_namespace(f'invalid ROS arguments: {rule}', namespace)


def _reason(error: Exception) -> str:
    reason = _first_line(error)
    if 'failed to initialize logging' in reason:
        return f'{reason}; set ROS_LOG_DIR to a folder that ROS can write its log to'
    return f'invalid ROS arguments: {reason}'


def _first_line(error: Exception) -> str:
    return _PLACES.sub('', str(error).splitlines()[0]).rstrip(':')
