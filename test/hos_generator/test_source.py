from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import ROOT

from hos_device_layer.core.dispatch.results import to_json
from hos_device_layer.core.errors import SpecError, ValueMismatchError
from hos_device_layer.core.spec.digest import spec_digest
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.records import Function, Spec
from hos_device_layer.database.installed import installed_device_db
from hos_generator.__main__ import main
from hos_generator.names import function_names
from hos_generator.source import device_api_source

# Texts that try to get out of a docstring or a literal, beside arbitrary ones.
NASTY = [
    '"""',
    'ends with "',
    'ends with \\',
    '\\"""\nimport os\n"""',
    "it's",
    "'\"'",
    '{{ functions }}{% raw %}',
    '# noqa\n\n\tx = 1\r\x0b\x0c\x85\u2028',
    '\u202e reversed \u2066',
    '\x00\ud800',
    'Returns',
    'word ' * 60 + 'x' * 150,
]
TEXTS = st.one_of(st.sampled_from(NASTY), st.text(max_size=60))
NAMES = st.one_of(
    st.sampled_from(
        [
            'x',
            'type',
            'from',
            'node',
            'device_id',
            'namespace',
            'a-b',
            'a_b',
            '2x',
            "it's",
            '"',
            '\\',
        ]
    ),
    st.text(
        st.characters(categories=['L', 'M', 'N', 'P', 'S'], exclude_characters=':,'),
        min_size=1,
        max_size=8,
    ),
)


def _field(name: str, declaration: str) -> Field | None:
    try:
        return Field.from_text(f'{name}:{declaration}')
    except SpecError:
        return None


FIELDS = st.lists(
    st.builds(
        _field,
        NAMES,
        st.sampled_from(
            [t.value for t in FieldType]
            + ['int8 -3..7 [mm]', 'float32 0.. [µl/s]', 'float64 ..1e300 ["\'\\]', 'string [%]']
        ),
    ).filter(lambda field: field is not None),
    max_size=4,
    unique_by=lambda field: field.name,
).map(tuple)
FUNCTIONS = st.builds(
    Function,
    name=NAMES,
    arguments=FIELDS,
    results=FIELDS,
    device_types=st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    description=TEXTS,
    timeout_s=st.none() | st.floats(0.1, 1e6),
    max_in_flight=st.none() | st.integers(1, 9),
)
SPECS = st.lists(FUNCTIONS, max_size=5, unique_by=lambda function: function.name).map(
    lambda functions: Spec(functions={f.name: f for f in functions})
)


def load(source: str) -> ModuleType:
    module = ModuleType('generated')
    sys.modules['generated'] = module  # Where msgspec looks for what annotations name.
    exec(compile(source, 'generated.py', 'exec'), module.__dict__)
    return module


@settings(deadline=None)
@given(SPECS)
def test_any_specification_gives_just_its_functions(spec: Spec) -> None:
    source = device_api_source(spec)
    source.encode()
    tree = ast.parse(source)
    docstring, *rest = tree.body
    assert isinstance(docstring, ast.Expr)
    (digest,) = (node for node in rest if isinstance(node, ast.Assign))
    assert ast.unparse(digest) == f'_SPEC_DIGEST = {spec_digest(spec)!r}'
    rest.remove(digest)
    kinds = ast.ImportFrom, ast.Import, ast.ClassDef, ast.FunctionDef
    assert {type(statement) for statement in rest} <= set(kinds)

    functions = [node for node in rest if isinstance(node, ast.FunctionDef)]
    names = function_names(spec.functions)
    assert [node.name for node in functions] == [names[name] for name in sorted(spec.functions)]
    for node, (_, function) in zip(functions, sorted(spec.functions.items())):
        check_function(node, function)


def check_function(node: ast.FunctionDef, function: Function) -> None:
    text, body = node.body
    assert isinstance(text, ast.Expr)
    assert isinstance(body, ast.Return)
    assert isinstance(body.value, ast.Call)
    _, _, name, arguments, _ = body.value.args
    assert ast.literal_eval(name) == function.name
    assert isinstance(arguments, ast.Dict)
    declarations = [ast.literal_eval(key) for key in arguments.keys if key]
    assert [Field.from_text(text) for text in declarations] == list(function.arguments)
    parameters = [argument.arg for argument in node.args.args]
    assert parameters[:2] == ['node', 'device_id']
    assert [value.id for value in arguments.values if isinstance(value, ast.Name)] == parameters[
        2:
    ]
    assert [argument.arg for argument in node.args.kwonlyargs] == ['namespace']
    options = {word.arg: ast.unparse(word.value) for word in body.value.keywords}
    assert options == {'namespace': 'namespace', 'spec_digest': '_SPEC_DIGEST'}
    shown = ' '.join(''.join(c if c.isprintable() else ' ' for c in function.description).split())
    assert shown in ' '.join((ast.get_docstring(node) or '').split())


SAMPLES: dict[FieldType, Any] = {FieldType.STRING: 'V"x"', FieldType.BOOL: True}


@settings(deadline=None)
@given(SPECS)
def test_the_result_classes_read_what_the_manager_writes(spec: Spec) -> None:
    module = load(device_api_source(spec))
    classes = [
        getattr(module, node.name)
        for node in ast.parse(device_api_source(spec)).body
        if isinstance(node, ast.ClassDef)
    ]
    functions = [f for _, f in sorted(spec.functions.items()) if f.results]
    assert len(classes) == len(functions)
    for result_class, function in zip(classes, functions):
        values = {f.name: f.check(SAMPLES.get(f.type, 1)) for f in function.results}
        result = result_class.parse(to_json(values))
        assert [getattr(result, name) for name in result.__struct_fields__] == list(
            values.values()
        )
        with pytest.raises(AttributeError):
            setattr(result, result.__struct_fields__[0], 0)
        with pytest.raises(ValueMismatchError, match='run: hos generate'):
            result_class.parse('{}')


def test_the_docstring_tells_what_a_caller_needs() -> None:
    function = Function(
        name='fill-up',
        arguments=(Field.from_text('from:float32 0..5 [ml]'),),
        results=(Field.from_text('done:bool'),),
        device_types=('Pump', 'Valve'),
        description='Fill the syringe',
        timeout_s=20.0,
        max_in_flight=1,
    )
    module = load(device_api_source(Spec(functions={'fill-up': function})))
    assert module.fill_up.__doc__ == (
        '\n'
        '    Fill the syringe.\n'
        '\n'
        '    Available on Pump and Valve. Times out after 20 s. At most 1 call at a time per '
        'device.\n'
        '\n'
        "    Named 'fill-up' in the specification.\n"
        '\n'
        '    Arguments:\n'
        "        from_: float32 0..5 [ml]; named 'from' in the specification\n"
        '\n'
        '    Result:\n'
        '        done: bool\n'
        '    '
    )


def nasty_spec() -> Spec:
    """Return a specification of all that could upset a linter, formatter or type checker."""
    names = [
        'type',
        'from',
        'a-b',
        'a_b',
        '2x',
        'LightSet',
        "it's",
        'self',
        'int',
        'msgspec',
        'x' * 50,
    ]
    fields = tuple(
        Field.from_text(f'{name}:{field_type.value}') for name, field_type in zip(names, FieldType)
    )
    quoted = Field.from_text('n:int8 -3..7 ["it\'s"]')
    functions = [
        Function(f'{name}{n}', fields[:n], fields[n:], ('Type',), text, None, 1.5, n + 1)
        for n, (name, text) in enumerate(zip(names, NASTY))
    ]
    functions += [Function(name, (), (), ('Type',), '') for name in names]
    functions.append(Function('quoted', (quoted,), (quoted,), ('A', 'B', 'C'), 'x'))
    return Spec(functions={function.name: function for function in functions})


@pytest.fixture(scope='module')
def nasty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('generated') / 'nasty_api.py'
    path.write_text(device_api_source(nasty_spec()))
    return path


def run_tool(*command: str, source: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, '-m', *command],
        input=source.read_text() if source else '',
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return '' if done.returncode == 0 else done.stdout + done.stderr


# As if it stood where the repository's settings for generated files apply.
AS_GENERATED = '--stdin-filename=hos_device_layer/gen/nasty_api.py'


def test_what_is_generated_is_lint_free(nasty_file: Path) -> None:
    assert run_tool('ruff', 'check', AS_GENERATED, '-', source=nasty_file) == ''


def test_what_is_generated_is_formatted(nasty_file: Path) -> None:
    assert run_tool('ruff', 'format', '--diff', AS_GENERATED, '-', source=nasty_file) == ''


def test_what_is_generated_is_typed(nasty_file: Path) -> None:
    assert run_tool('mypy', '--strict', str(nasty_file)) == ''


def test_the_committed_file_is_current() -> None:
    assert installed_device_db() == ROOT / 'device_db'
    assert main(['--check']) == 0
