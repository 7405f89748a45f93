import datetime
import time

from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.text import counted, local_time, not_utf8, shortened, without_nul


def test_nul_is_shown_by_its_symbol():
    assert without_nul('a\0b\0') == 'a␀b␀'


def test_a_noun_has_its_plural():
    numbers = (0, 1, 2)
    texts = ['0 problems', '1 problem', '2 problems']
    assert [counted(n, 'problem') for n in numbers] == texts


def test_a_text_is_quoted():
    assert shortened('ab') == "'ab'"
    assert shortened('a\nb\x1b\ud800') == r"'a\nb\x1b\ud800'"


def test_other_values_are_shown_as_python_writes_them():
    assert shortened(5) == '5'
    assert shortened(None) == 'None'
    assert shortened(['a', 1.5]) == "['a', 1.5]"
    assert shortened(datetime.date(2024, 1, 2)) == 'datetime.date(2024, 1, 2)'


def test_a_long_value_is_cut():
    assert shortened('x' * 120) == repr('x' * 120)
    assert shortened('x' * 121) == repr('x' * 120 + '…')
    assert shortened('abcdef', limit=3) == "'abc…'"
    assert shortened([123456], limit=3) == '[12…'
    assert shortened(16**5000) == 'a very long int'


def test_a_deeply_nested_value_is_cut():
    value = ['x']
    for _ in range(100):
        value = [value] * 10  # 10 to the power of 100 texts
    assert len(shortened(value)) <= 121


@given(st.text(st.characters()) | st.lists(st.text(st.characters())) | st.binary())
def test_a_shortened_value_is_one_printable_line(value):
    text = shortened(value)
    assert text.isprintable()
    text.encode()


def test_a_time_is_shown_on_the_local_clock():
    now = 1.7e9
    assert local_time(now, '%Y %H:%M:%S') == time.strftime('%Y %H:%M:%S', time.localtime(now))
    assert local_time(1e300, '%H') == '1e+300 s since 1970'


@given(st.floats())
def test_no_time_is_too_absurd_to_be_shown(epoch_s):
    assert local_time(epoch_s, '%H:%M:%S')


def test_arguments_that_are_not_utf8_are_shown_as_bytes():
    assert not_utf8(['a', 'Hé', '𐐷', '']) == ''
    assert not_utf8(['a', 'H\udcff']) == (
        "expected arguments in UTF-8, found b'H\\xff'; enter it in a UTF-8 terminal"
    )
