"""A dispatcher with two connected devices."""

import pytest
from dispatcher_driver import DispatcherDriver
from virtual_fleet import LIFT, PUMP


@pytest.fixture
def driver():
    driver = DispatcherDriver()
    driver.connect(LIFT.uid)
    driver.connect(PUMP.uid)
    return driver
