"""The devices of a fleet, and the errors about devices that are not in it."""

import pytest
from msgspec import structs
from virtual_fleet import LIFT, NAMELESS, PUMP, device, make_spec

from hos_device_layer.core.dispatch.fleet_index import FleetIndex
from hos_device_layer.core.spec.records import FleetDevice, RejectedRows, Spec

REASON = 'two rows have it'


@pytest.fixture
def index():
    return FleetIndex(make_spec(), 'lab')


def test_devices_are_found_by_id_and_by_uid(index):
    assert index.devices == {'L1': LIFT, 'P1': PUMP, 'L2': NAMELESS}
    assert index.by_uid == {LIFT.uid: LIFT, PUMP.uid: PUMP}


def test_a_link_needs_the_kind_of_commands_and_the_streams_of_a_type(index):
    streams = index.spec.streams
    assert index.needs_of(LIFT) == (False, (streams['height'],))
    assert index.needs_of(PUMP) == (True, (streams['flow'],))


def test_a_device_of_an_unknown_type_needs_nothing(index):
    assert index.needs_of(device('X1', 31, 'Crane')) == (False, ())


def test_a_device_that_is_not_in_the_fleet_can_be_added_to_its_table(index):
    table = "add it to the table 'fleet-lab'"
    assert index.unknown_uid(99) == f"uid 99 is not in the fleet 'lab'; {table}"
    assert index.unknown_device_id('L9') == f"no device 'L9' in the fleet 'lab'; {table}"


def test_the_description_of_an_unknown_device_is_part_of_the_error(index):
    assert index.unknown_uid(99, "'Scale 3'").startswith("uid 99 ('Scale 3') is not in")


@pytest.mark.parametrize(('spec', 'valid'), [(make_spec(), 'lab'), (Spec(), 'none')])
def test_a_fleet_that_does_not_exist_is_named_with_the_valid_fleets(spec, valid):
    index = FleetIndex(spec, 'lob')
    assert index.devices == {}
    for error in (index.unknown_uid(99), index.unknown_device_id('L9')):
        assert error.endswith(f"there is no table 'fleet-lob'; valid fleets: {valid}")


def test_a_device_of_another_fleet_is_not_to_be_added_a_second_time():
    other = FleetDevice('B1', 99, 'Lift', 'bay')
    spec = make_spec()
    index = FleetIndex(structs.replace(spec, fleets={**spec.fleets, 'bay': {'B1': other}}), 'lab')
    assert index.unknown_uid(99, "'Scale 3'") == (
        "uid 99 ('Scale 3') is 'B1' of the fleet 'bay', not of 'lab'; set the parameter fleet of "
        "the device manager to 'bay', or move the row to the table 'fleet-lab'"
    )
    assert index.unknown_device_id('B1').startswith(
        "no device 'B1' in the fleet 'lab'; it is in the fleet 'bay'; "
    )


def test_a_device_whose_row_was_rejected_is_named_with_the_reason():
    rejected = RejectedRows(uids={99: REASON}, devices={('lab', 'X'): REASON})
    index = FleetIndex(make_spec(rejected=rejected), 'lab')
    assert index.unknown_uid(99) == f'uid 99 cannot be used: {REASON}'
    assert index.unknown_device_id('X') == f"the device 'X' cannot be used: {REASON}"


def test_a_long_device_id_is_shortened(index):
    error = index.unknown_device_id('L\n' * 10_000)
    assert len(error) < 500
    assert '\n' not in error
