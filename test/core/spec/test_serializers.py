import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.errors import SpecError, ValueMismatchError
from hos_device_layer.core.spec.field_types import FieldType
from hos_device_layer.core.spec.serializers import Serializer

printable = st.text(st.characters(exclude_categories=['C', 'Z']))
pieces = st.lists(
    st.text(st.characters(exclude_categories=['C', 'Z'], exclude_characters='$')), min_size=1
)


@pytest.mark.parametrize(
    ('template', 'arguments', 'command'),
    [
        ('H', (), 'H'),
        ('R$', ('5',), 'R5'),
        ('$', ('5',), '5'),
        ('$R', ('5',), '5R'),
        ('$$', ('1', '2'), '12'),
        ('A$B$', ('2', '3'), 'A2B3'),
        ('A$B$C', ('1', '2'), 'A1B2C'),
        ('A$B$C$', ('-60', '0.5', '1'), 'A-60B0.5C1'),
        ('T $ ;', ('a b',), 'T a b ;'),
        ('µ$€', ('ü',), 'µü€'),
        ('A$B$', ('', ''), 'AB'),
        ('A$B$', ('$', '2'), 'A$B2'),
        ('{}$%s', ('{0}',), '{}{0}%s'),
    ],
)
def test_every_argument_and_every_letter_is_kept(template, arguments, command):
    serializer = Serializer(template)
    assert serializer.argument_count == len(arguments)
    assert serializer.serialize(arguments) == command


@given(pieces, st.data())
def test_a_command_is_its_pieces_and_arguments_in_order(pieces, data):
    serializer = Serializer('$'.join(pieces))
    count = len(pieces) - 1
    assert serializer.argument_count == count
    arguments = data.draw(st.lists(printable, min_size=count, max_size=count))
    woven = [part for pair in zip(pieces, [*arguments, '']) for part in pair]
    assert serializer.serialize(arguments) == ''.join(woven)


@pytest.mark.parametrize(
    ('arguments', 'count'), [((), 0), (('1',), 1), (('1', '2', '3'), 3), ([''] * 256, 256)]
)
def test_a_wrong_number_of_arguments_is_refused(arguments, count):
    with pytest.raises(ValueMismatchError) as caught:
        Serializer('A$B$').serialize(arguments)
    assert str(caught.value) == f"expected 2 arguments for the template 'A$B$', got {count}"


SMUGGLED = ('\n', '\r', '\x00', '\x1b', '\x7f', '\x85', '\u2028', '\u2029', '\u202e', '\ud800')


@pytest.mark.parametrize('smuggled', SMUGGLED, ids=ascii)
@pytest.mark.parametrize('argument', ['{}', '1{}B2', '1{}'])
def test_no_argument_smuggles_a_control_character_or_line_break(smuggled, argument):
    with pytest.raises(ValueMismatchError, match='control character or line break') as caught:
        Serializer('A$').serialize((argument.format(smuggled),))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize('smuggled', SMUGGLED, ids=ascii)
def test_no_template_holds_a_control_character_or_line_break(smuggled):
    with pytest.raises(SpecError, match='control character or line break'):
        Serializer(f'A${smuggled}B$')


@given(st.lists(st.text(st.characters()), max_size=3))
def test_a_serialized_command_is_one_printable_line(arguments):
    try:
        command = Serializer('A$B$C').serialize(arguments)
    except ValueMismatchError:
        assert len(arguments) != 2 or not ''.join(arguments).isprintable()
    else:
        assert command.isprintable()


def test_floats_reach_a_microcontroller_without_an_exponent():
    arguments = [FieldType.FLOAT32.format(1e-7), FieldType.FLOAT64.format(1e20)]
    assert Serializer('A$B$').serialize(arguments) == 'A0.0000001B1' + '0' * 20
