"""The service that describes devices, functions and streams."""

from __future__ import annotations

from event_recorder import EventRecorder
from hos_interfaces.msg import DeviceDescription, FunctionDescription, StreamDescription
from hos_interfaces.srv import DescribeDevices
from ros_nodes import SpunNodes

from hos_device_layer.core.dispatch.connection_states import ConnectionState
from hos_device_layer.core.dispatch.descriptions import (
    DescribedDevice,
    DescribedFunction,
    DescribedStream,
    DescriptionAnswer,
)
from hos_device_layer.core.dispatch.events import DescriptionRequested
from hos_device_layer.links.ros.description_service import DescriptionService
from hos_device_layer.services import DESCRIBE_DEVICES_SERVICE

ANSWER = DescriptionAnswer(
    'lab',
    (
        DescribedDevice(
            'L1',
            11,
            'Lift',
            ConnectionState.TIMED_OUT,
            1.5,
            2.5,
            3,
            function_names=('move',),
            stream_names=('height',),
        ),
        DescribedDevice('', None, '', ConnectionState.WAITING, description='a\0b', error='add it'),
    ),
    (DescribedFunction('move', ('x:int32',), ('y:int32',), 'up', 'rejected'),),
    (DescribedStream('height', ('height:float32',), 'how high'),),
)


def test_a_request_is_reported_and_answered_field_for_field(
    nodes: SpunNodes, recorder: EventRecorder
) -> None:
    recorder.description = ANSWER
    DescriptionService(nodes['device_manager'], recorder)
    response = nodes.answer(
        nodes['caller'], DescribeDevices, DESCRIBE_DEVICES_SERVICE, device_ids=['L1', 'L2']
    )
    assert recorder.events == [('', DescriptionRequested(('L1', 'L2')))]
    assert response.fleet == 'lab'
    lift, waiting = response.devices
    assert lift == DeviceDescription(
        device_id='L1',
        has_uid=True,
        device_uid=11,
        device_type='Lift',
        state='timed out',
        since_s=1.5,
        last_seen_s=2.5,
        tasks=3,
        function_names=['move'],
        stream_names=['height'],
    )
    # A string of a ROS message ends at its first NUL.
    assert (waiting.has_uid, waiting.description, waiting.error) == (False, 'a␀b', 'add it')
    assert response.functions == [
        FunctionDescription(
            function_name='move',
            arguments=['x:int32'],
            results=['y:int32'],
            description='up',
            error='rejected',
        )
    ]
    assert response.streams == [
        StreamDescription(stream_name='height', values=['height:float32'], description='how high')
    ]
