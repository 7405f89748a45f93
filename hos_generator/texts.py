"""Texts of a specification as parts of Python source, whatever they hold."""

from __future__ import annotations

import textwrap

# The length of a line, as in this project's own code.
LINE_LENGTH = 99


def literal(text: str) -> str:
    """Return a string literal, in the quotes that need fewer escapes, single ones if equal."""
    quote = '"' if text.count("'") > text.count('"') else "'"
    # repr() takes single quotes where a text holds both kinds, and then escapes those.
    escaped = repr(f'\'"{text}')[1:-1][3:].replace("\\'", "'")
    return quote + escaped.replace(quote, f'\\{quote}') + quote


def paragraph(text: str, indent: int, hanging: int = 0) -> str:
    """Return a text as lines of a docstring, the second and later ones `hanging` deeper."""
    lines = textwrap.wrap(
        one_line(text).replace('\\', '\\\\').replace('"""', '\\"\\"\\"'),
        LINE_LENGTH - indent,
        subsequent_indent=' ' * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return ('\n' + ' ' * indent).join(lines)


def one_line(text: str) -> str:
    """Return a text on one line, without what may hide or reorder what a reader sees."""
    return ' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())


def comma_list(names: list[str]) -> str:
    """Return names as a person lists them: `a, b and c`."""
    return ' and '.join(filter(None, [', '.join(names[:-1]), *names[-1:]]))
