"""The names of the device layer's services; relative, so that they work in any namespace."""

CONNECT_DEVICE_SERVICE = 'haive_os/device/connect'
DEVICE_API_CALL_SERVICE = 'haive_os/device/api_call'
DEVICE_CONNECTION_INFOS_SERVICE = 'haive_os/connected_devices'
DESCRIBE_DEVICES_SERVICE = 'haive_os/describe_devices'
DEVICE_DB_RELOAD_SERVICE = 'haive_os/device_db/reload'


def DEVICE_COMMAND_SERVICE(uid: int) -> str:  # noqa: N802 (one form for all names)
    """Return the service through which a device receives commands with typed arguments."""
    return f'haive_os/device/uid{uid}/command'


def SERIALIZED_DEVICE_COMMAND_SERVICE(uid: int) -> str:  # noqa: N802
    """Return the service through which a device of a `serialized_api` type receives commands."""
    return f'haive_os/device/uid{uid}/serialized_command'
