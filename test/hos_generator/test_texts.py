"""Text of a specification as Python source."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_generator.texts import LINE_LENGTH, comma_list, literal, one_line, paragraph


@given(st.text())
def test_a_literal_is_the_text(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text
    assert literal(text).isprintable()


@pytest.mark.parametrize(
    ('text', 'source'), [('a', "'a'"), ("it's", '"it\'s"'), ('\'"', "'\\'\"'"), ('\n', "'\\n'")]
)
def test_a_literal_needs_few_escapes(text: str, source: str) -> None:
    assert literal(text) == source


@given(st.text(), st.integers(0, 8), st.integers(0, 4))
def test_a_paragraph_stays_within_its_docstring(text: str, indent: int, hanging: int) -> None:
    docstring = ast.literal_eval(f'"""{paragraph(text, indent, hanging)} """')
    assert docstring.split() == one_line(text).split()


def test_lines_of_a_paragraph_are_indented_and_short() -> None:
    first, *rest = paragraph('word ' * 60, indent=8, hanging=4).split('\n')
    assert len(first) + 8 <= LINE_LENGTH
    assert rest
    assert all(line.startswith(' ' * 12 + 'word') and len(line) <= LINE_LENGTH for line in rest)


@pytest.mark.parametrize(
    ('text', 'line'),
    [('a\n  b\tc ', 'a b c'), ('a\u202eb\u200bc', 'a b c'), ('', ''), ('\x00', '')],
)
def test_text_on_one_line_hides_nothing(text: str, line: str) -> None:
    assert one_line(text) == line


def test_names_are_listed_as_in_a_sentence() -> None:
    assert [comma_list(list(names)) for names in ('', 'a', 'ab', 'abc')] == [
        '',
        'a',
        'a and b',
        'a, b and c',
    ]
