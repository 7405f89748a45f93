"""
The errors of this package.

    HosError
    ├── SpecError (ValueError)             a cell of the specification is not valid
    ├── CallRefusedError                   an API call that was not accepted
    │   ├── UnknownDeviceIdError (KeyError)
    │   ├── DeviceNotConnectedError (ConnectionError)
    │   ├── UnknownFunctionError (KeyError)
    │   ├── ArgumentError (ValueError)
    │   └── BusyError
    ├── CallFailedError (RuntimeError)     an API call that failed
    ├── CallPendingError (RuntimeError)    an API call that has no result yet
    │   └── CallTimeoutError (TimeoutError)
    ├── ValueMismatchError (ValueError)    a value that does not fit its field
    ├── DatabaseError (OSError)            a specification that cannot be read or written
    └── NamespaceTakenError                another device manager serves the namespace

The modules of a part derive their own errors from HosError. The text of each error says what is
wrong, where, and what to do.
"""


class HosError(Exception):
    """The base of all errors that this package raises."""

    def __str__(self) -> str:
        # KeyError would quote and escape the text.
        return str(self.args[0]) if self.args else ''


class SpecError(HosError, ValueError):
    """A cell of the specification is not valid; `problems` has one text for each problem."""

    def __init__(self, *problems: str) -> None:
        super().__init__('; '.join(problems))
        self.problems = problems


class CallRefusedError(HosError):
    """An API call was not accepted; the names are as the caller gave them."""

    def __init__(self, text: str, device_id: str, function_name: str) -> None:
        super().__init__(text)
        self.device_id = device_id
        self.function_name = function_name


class UnknownDeviceIdError(CallRefusedError, KeyError):
    """The fleet has no device of this id, or the device's row in the specification is rejected."""


class DeviceNotConnectedError(CallRefusedError, ConnectionError):
    """The device is in the fleet but not connected."""


class UnknownFunctionError(CallRefusedError, KeyError):
    """The device's type has no such function, or the function's row is rejected."""


class ArgumentError(CallRefusedError, ValueError):
    """The arguments do not fit the function."""


class BusyError(CallRefusedError):
    """The limit of running calls of the function or the manager is reached."""


class CallFailedError(HosError, RuntimeError):
    """An API call was refused, failed or was lost; `task_id` is 0 if it is unknown."""

    def __init__(self, text: str, device_id: str, function_name: str, task_id: int) -> None:
        super().__init__(text)
        self.device_id = device_id
        self.function_name = function_name
        self.task_id = task_id


class CallPendingError(HosError, RuntimeError):
    """An API call has no result yet; spin its node to receive it."""


class CallTimeoutError(CallPendingError, TimeoutError):
    """An API call has no result within the time that its caller waits for; it goes on."""


class ValueMismatchError(HosError, ValueError):
    """A value does not fit its field: wrong type, out of range, or a wrong number of values."""


class DatabaseError(HosError, OSError):
    """A specification cannot be read or written."""


class NamespaceTakenError(HosError):
    """Another device manager serves the same namespace, so this one has to end."""
