"""The names of the device layer's topics; relative, so that they work in any namespace."""

DEVICE_PING_TOPIC = 'haive_os/device/ping'
DEVICE_CMD_RESULT_TOPIC = 'haive_os/device/command_result'
DEVICE_API_CALL_RESULT_TOPIC = 'haive_os/device/api_call_result'

DEVICE_MANAGER_STATUS_TOPIC = 'haive_os/device_manager/status'

DEVICE_CONNECTED = 'haive_os/device/connected'
DEVICE_TIMEOUT = 'haive_os/device/timeout'
DEVICE_RECONNECTED = 'haive_os/device/reconnected'
DEVICE_DISCONNECTED = 'haive_os/device/disconnected'


def DEVICE_STREAM_TOPIC(uid: int, stream_name: str) -> str:  # noqa: N802 (one form for all names)
    """Return the topic on which a device publishes a stream's samples."""
    return f'haive_os/device/uid{uid}/stream/{stream_name}'
