from hos_device_layer.core.spec.tables import (
    Place,
    Problem,
    fleet_name,
    fleet_table,
    is_fleet_table,
)


def test_a_problem_says_where_it_is():
    assert str(Problem('apis', 'move', 'arguments', 'is odd')) == (
        "table 'apis', row 'move', column 'arguments': is odd"
    )
    assert str(Problem('apis', '', '', 'is missing')) == "table 'apis': is missing"
    assert str(Place('apis', 'move')) == "table 'apis', row 'move'"


def test_a_fleet_has_a_table_of_its_own():
    assert fleet_table('lab') == 'fleet-lab'
    assert fleet_name('fleet-lab') == 'lab'
    assert is_fleet_table('fleet-lab')
    assert not is_fleet_table('devices')
