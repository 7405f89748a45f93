"""Formats arbitrary text of a specification as Python source."""

from __future__ import annotations

import textwrap

# The line length of this project (pyproject.toml).
LINE_LENGTH = 99


def literal(text: str) -> str:
    """Return a string literal in the quotes that need fewer escapes; single quotes if equal."""
    quote = '"' if text.count("'") > text.count('"') else "'"
    # repr() of a text with both kinds of quotes uses single quotes and escapes those.
    escaped = repr(f'\'"{text}')[1:-1][3:].replace("\\'", "'")
    return quote + escaped.replace(quote, f'\\{quote}') + quote


def paragraph(text: str, indent: int, hanging: int = 0) -> str:
    """Wrap a text for a docstring; lines after the first are indented by `hanging` more."""
    lines = textwrap.wrap(
        one_line(text).replace('\\', '\\\\').replace('"""', '\\"\\"\\"'),
        LINE_LENGTH - indent,
        subsequent_indent=' ' * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return ('\n' + ' ' * indent).join(lines)


def one_line(text: str) -> str:
    """Return a text on one line, without characters that hide or reorder text."""
    return ' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())


def comma_list(names: list[str]) -> str:
    """Join names as in a sentence: `a, b and c`."""
    return ' and '.join(filter(None, [', '.join(names[:-1]), *names[-1:]]))
