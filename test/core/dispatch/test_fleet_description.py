from dispatcher_driver import DispatcherDriver
from virtual_fleet import EPOCH, HALT, LIFT, MOVE, NAMELESS, make_spec

from hos_device_layer.core.dispatch.connection_states import ConnectionState
from hos_device_layer.core.dispatch.descriptions import (
    DescribedDevice,
    DescribedFunction,
    DescribedStream,
)
from hos_device_layer.core.dispatch.events import (
    ConnectRequested,
    DescriptionRequested,
    LinkClosed,
    Pinged,
)
from hos_device_layer.core.spec.records import RejectedRows

REJECTED = RejectedRows(
    functions={
        'bend': 'the type int31 is unknown',
        'spin': 'twice',
        'fill': 'too full',
        '#9': 'x',
    },
    devices={
        ('lab', 'L3'): 'its uid belongs to 2 devices',
        ('home', 'L4'): 'x',
        ('lab', '#3'): 'x',
    },
    device_types={'bend': ('Lift',), 'fill': ('Pump',)},
)


def describe(driver, *device_ids, now=0.0):
    (answer,) = driver.handle(DescriptionRequested(device_ids), now, '')
    return answer


def test_a_device_is_described_with_the_functions_and_streams_of_its_type(driver):
    driver.call()
    driver.handle(Pinged(LIFT.uid), 3.0)
    answer = describe(driver, 'L1')
    assert answer.fleet == 'lab'
    assert answer.devices == (
        DescribedDevice(
            'L1',
            LIFT.uid,
            'Lift',
            ConnectionState.CONNECTED,
            EPOCH,
            EPOCH + 3.0,
            1,
            function_names=('halt', 'move'),
            stream_names=('height',),
        ),
    )
    assert answer.functions == (
        DescribedFunction('halt'),
        DescribedFunction('move', ('x:int32 0..10 [mm]', 'fast:bool'), ('height:int32',)),
    )
    assert answer.streams == (DescribedStream('height', ('height:float32',)),)


def test_all_devices_are_described_in_the_order_of_their_names(driver):
    answer = describe(driver)
    assert [device.device_id for device in answer.devices] == ['L1', 'L2', 'P1']
    assert [stream.name for stream in answer.streams] == ['flow', 'height']


def test_unknown_devices_are_left_out(driver):
    answer = describe(driver, 'L9')
    assert (answer.devices, answer.functions, answer.streams) == ((), (), ())


def test_the_state_is_the_one_of_the_connection(driver):
    driver.handle(LinkClosed(LIFT.uid), 5.0)
    (device,) = describe(driver, 'L1').devices
    assert (device.state, device.since_s) == (ConnectionState.TIMED_OUT, EPOCH + 5.0)


def test_a_device_without_a_uid_says_where_to_enter_it(driver):
    (device,) = describe(driver, NAMELESS.device_id).devices
    assert (device.uid, device.state) == (None, ConnectionState.EXPECTED)
    assert "no uid yet; enter it in the table 'fleet-lab'" in device.error
    assert (device.since_s, device.last_seen_s) == (0.0, 0.0)


def test_a_device_that_waits_is_described_last_with_what_it_says_of_itself(driver):
    driver.handle(ConnectRequested(77, 'bench lamp'), 2.0)
    *_, device = describe(driver).devices
    assert (device.device_id, device.uid, device.device_type) == ('', 77, '')
    assert (device.state, device.description) == (ConnectionState.WAITING, 'bench lamp')
    assert "add it to the table 'fleet-lab'" in device.error


def test_rejected_rows_are_described_with_their_problems():
    driver = DispatcherDriver(make_spec(rejected=REJECTED))
    answer = describe(driver)
    assert [device.device_id for device in answer.devices] == ['L1', 'L2', 'L3', 'P1']
    assert answer.devices[2].error == 'its uid belongs to 2 devices'
    errors = {function.name: function.error for function in answer.functions}
    assert errors == {
        'bend': 'the type int31 is unknown',
        'fill': 'too full',
        'halt': '',
        'move': '',
        'spin': 'twice',
    }
    # The type of `spin` cannot be read; any device may have it.
    assert describe(driver, 'L1').devices[0].function_names == ('bend', 'halt', 'move', 'spin')
    assert describe(driver, 'L3').devices[0].function_names == ()


def test_a_function_of_no_described_device_is_left_out():
    driver = DispatcherDriver(make_spec(functions=[MOVE, HALT]))
    assert [function.name for function in describe(driver, 'P1').functions] == ['move']
