"""Each sentence of docs/security.md has a test that fails when it is not true."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from project import ROOT
from security_claims import CLAIMS, UNTESTED

PAGE = (ROOT / 'docs' / 'security.md').read_text(encoding='utf-8')


def claims(text: str) -> Iterator[str]:
    """Yield each sentence, and each row of a table, without code blocks and headings."""
    text = re.sub(r'^```.*?^```$', '', text, flags=re.MULTILINE | re.DOTALL)
    for block in re.split(r'\n\s*\n', text):
        lines = block.strip().splitlines()
        if lines and lines[0].startswith('|'):
            yield from lines[2:]  # after the head
        elif lines and not lines[0].startswith('#'):
            for item in re.split(r'^- ', '\n'.join(lines), flags=re.MULTILINE):
                yield from sentences(' '.join(item.split()))


def sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph or of a list item."""
    return [part for part in re.split(r'(?<=\.)\s+', text) if part]


CLAIMED = list(claims(PAGE))


def keys_of(claim: str) -> list[str]:
    """Return the keys that are the first words of a claim."""
    return [key for key in (*CLAIMS, *UNTESTED) if claim.startswith(key)]


@pytest.mark.parametrize('claim', CLAIMED)
def test_a_claim_has_tests(claim: str) -> None:
    keys = keys_of(claim)
    assert len(keys) == 1, f'expected one entry of security_claims for {claim!r}, found {keys}'


def test_each_entry_belongs_to_one_claim() -> None:
    used = [key for claim in CLAIMED for key in keys_of(claim)]
    assert sorted(used) == sorted((*CLAIMS, *UNTESTED))


@pytest.mark.parametrize('node', sorted({node for nodes in CLAIMS.values() for node in nodes}))
def test_a_named_test_exists(node: str) -> None:
    file, _, name = node.partition('::')
    tree = ast.parse((ROOT / 'test' / file).read_text(encoding='utf-8'))
    assert name.startswith('test_')
    assert name in {item.name for item in tree.body if isinstance(item, ast.FunctionDef)}


def test_what_has_no_test_has_a_reason() -> None:
    assert all(CLAIMS.values()) and all(UNTESTED.values())


def test_the_page_is_split_into_its_claims() -> None:
    text = """
# Title

One `a` b. Two: `Three`
goes on (see 4.5 s).

| what | limit |
|---|---|
| a | 1. B |
| b | 2 |

- First. Second:
- Third

```
Not this.
```
"""
    assert list(claims(text)) == [
        'One `a` b.',
        'Two: `Three` goes on (see 4.5 s).',
        '| a | 1. B |',
        '| b | 2 |',
        'First.',
        'Second:',
        'Third',
    ]
