"""
Maps names of the specification to Python names.

1. Characters that are not allowed in identifiers become `_`; leading underscores are removed.
2. A name that is then empty or starts with a digit gets the prefix `call_` (functions) or `value_`
   (arguments and results).
3. A name that Python or the generated file itself uses gets the suffix `_`.
4. If several names become equal, the one that did not change keeps the name; the others get the
   suffixes `_2`, `_3`, …, in alphabetical order of the names in the specification.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping

_KEYWORDS = """
    False None True and as assert async await break class continue def del elif else except
    finally for from global if import in is lambda nonlocal not or pass raise return try while
    with yield _ case match type
"""

# A fixed list, so that every Python version generates the same file: the builtins of 3.10 to 3.14
# without the exceptions, and those that the site module adds.
_BUILTINS = """
    abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod
    compile complex copyright credits delattr dict dir divmod enumerate eval exec exit filter
    float format frozenset getattr globals hasattr hash help hex id input int isinstance
    issubclass iter len license list locals map max memoryview min next object oct open ord pow
    print property quit range repr reversed round set setattr slice sorted staticmethod str sum
    super tuple vars zip Ellipsis NotImplemented
"""

# Names that the generated file imports or uses as an argument of every function.
_OWN = """
    annotations Node DeviceAPICallInfo DeviceResult call_device no_values node device_id
    namespace spec_digest parse self cls
"""

_TAKEN = frozenset(f'{_KEYWORDS} {_BUILTINS} {_OWN}'.split())

_EXCEPTION = re.compile(r'(?=[A-Z])\w*(Error|Exception|Warning|Exit|Interrupt|Iteration|Group)')


def function_names(names: Iterable[str]) -> dict[str, str]:
    """Return the Python name of each function."""
    return _unique({name: _identifier(name, 'call_') for name in names}, ())


def field_names(names: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Return the Python name of each argument or result of one function."""
    return _unique({name: _identifier(name, 'value_') for name in names}, taken)


def class_names(functions: Mapping[str, str], taken: Collection[str]) -> dict[str, str]:
    """Return the name of each function's result class, such as `DeltaArmMoveResult`."""
    names = {name: _camel_case(function) + 'Result' for name, function in functions.items()}
    return _unique(names, taken)


def _identifier(name: str, prefix: str) -> str:
    # Python compares identifiers in this form (language reference, "Identifiers and keywords").
    name = unicodedata.normalize('NFKC', name)
    name = ''.join(c if f'_{c}'.isidentifier() else '_' for c in name).lstrip('_')
    if not name.isidentifier():
        name = prefix + name
    is_taken = name in _TAKEN or _EXCEPTION.fullmatch(name)
    return f'{name}_' if is_taken else name


def _camel_case(name: str) -> str:
    return ''.join(part[:1].upper() + part[1:] for part in name.split('_'))


def _unique(names: Mapping[str, str], taken: Collection[str]) -> dict[str, str]:
    unchanged = {name for name, mapped in names.items() if name == mapped} - set(taken)
    used = unchanged | set(taken)
    unique = {}
    for name in sorted(names):
        unique[name] = names[name]
        if name not in unchanged:
            unique[name] = next(free for free in _numbered(names[name]) if free not in used)
            used.add(unique[name])
    return unique


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in itertools.count(2):
        yield f'{name}_{number}'
