"""
Every error this package raises on purpose.

    HosError
    ├── SpecError (ValueError)             a cell of the specification cannot be understood
    ├── UnknownUidError (KeyError)         a uid that no device of the fleet has
    ├── CallRefusedError                   an API call that was not accepted
    │   ├── UnknownDeviceIdError (KeyError)
    │   ├── DeviceNotConnectedError (ConnectionError)
    │   ├── UnknownFunctionError (KeyError)
    │   ├── ArgumentError (ValueError)
    │   └── BusyError
    ├── CallFailedError (RuntimeError)     an API call that ended without its result
    ├── CallPendingError (RuntimeError)    an API call that has not ended yet
    ├── ValueMismatchError (ValueError)    a value that does not fit its field
    └── DatabaseError (OSError)            a source of specifications that does not work

The text of each says what is wrong, where, and what to do.
"""


class HosError(Exception):
    """The root: catch this to catch everything this package raises on purpose."""

    def __str__(self) -> str:
        # KeyError would show its text quoted and escaped.
        return str(self.args[0]) if self.args else ''


class SpecError(HosError, ValueError):
    """A cell of the specification cannot be understood; `problems` says why, one text each."""

    def __init__(self, *problems: str) -> None:
        super().__init__('; '.join(problems))
        self.problems = problems


class UnknownUidError(HosError, KeyError):
    """No device of the fleet has this uid."""

    def __init__(self, text: str, uid: int) -> None:
        super().__init__(text)
        self.uid = uid


class CallRefusedError(HosError):
    """An API call was not accepted; the names are as the caller gave them."""

    def __init__(self, text: str, device_id: str, function_name: str) -> None:
        super().__init__(text)
        self.device_id = device_id
        self.function_name = function_name


class UnknownDeviceIdError(CallRefusedError, KeyError):
    """No device of this id in the fleet, or its row in the specification has a problem."""


class DeviceNotConnectedError(CallRefusedError, ConnectionError):
    """The device is in the fleet but not connected."""


class UnknownFunctionError(CallRefusedError, KeyError):
    """The device's type has no such function, or its row in the specification has a problem."""


class ArgumentError(CallRefusedError, ValueError):
    """The arguments do not fit the function."""


class BusyError(CallRefusedError):
    """As many calls are running as the function or the manager allows."""


class CallFailedError(HosError, RuntimeError):
    """An API call was refused, failed or got lost; `task_id` is 0 where none is known."""

    def __init__(self, text: str, device_id: str, function_name: str, task_id: int) -> None:
        super().__init__(text)
        self.device_id = device_id
        self.function_name = function_name
        self.task_id = task_id


class CallPendingError(HosError, RuntimeError):
    """An API call has not ended yet; its result comes while its node is spun."""


class ValueMismatchError(HosError, ValueError):
    """A value does not fit its field: wrong type, out of range, or a wrong number of values."""


class DatabaseError(HosError, OSError):
    """A source of specifications cannot be read or written."""
