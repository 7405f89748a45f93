import pytest

from hos_device_layer.core import errors
from hos_device_layer.core.errors import CallRefusedError, HosError

REFUSALS = {
    errors.UnknownDeviceIdError: KeyError,
    errors.DeviceNotConnectedError: ConnectionError,
    errors.UnknownFunctionError: KeyError,
    errors.ArgumentError: ValueError,
    errors.BusyError: CallRefusedError,
}
OTHERS = {
    errors.SpecError: ValueError,
    errors.ValueMismatchError: ValueError,
    errors.DatabaseError: OSError,
}


@pytest.mark.parametrize(('error_type', 'builtin'), REFUSALS.items())
def test_a_refusal_is_caught_by_each_base_and_has_the_names(error_type, builtin):
    for caught_as in (error_type, builtin, CallRefusedError, HosError):
        with pytest.raises(caught_as) as caught:
            raise error_type('no "such" thing', 'H4001', 'move')
        assert str(caught.value) == 'no "such" thing'
        assert (caught.value.device_id, caught.value.function_name) == ('H4001', 'move')


@pytest.mark.parametrize(('error_type', 'builtin'), OTHERS.items())
def test_an_error_is_caught_by_each_base(error_type, builtin):
    for caught_as in (error_type, builtin, HosError):
        with pytest.raises(caught_as) as caught:
            raise error_type('it is broken')
        assert str(caught.value) == 'it is broken'


def test_an_error_without_a_text_has_an_empty_one():
    assert str(errors.SpecError()) == ''


def test_the_docstring_lists_every_error():
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, HosError):
            assert name in errors.__doc__
