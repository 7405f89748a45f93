"""Renders `hos_device_api.py`: a typed Python function for each device function."""

from __future__ import annotations

from pathlib import Path

import jinja2
import msgspec

from hos_device_layer.core.spec.digest import spec_digest
from hos_device_layer.core.spec.field_types import Field, FieldType
from hos_device_layer.core.spec.records import Function, Spec

from .names import class_names, field_names, function_names
from .texts import comma_list, literal, one_line, paragraph

_TEMPLATE = 'device_api.py.jinja'


class _TemplateField(msgspec.Struct, frozen=True):
    """An argument or a result as the template needs it."""

    name: str
    python_name: str
    annotation: str
    declaration: str
    type_text: str

    @property
    def is_renamed(self) -> bool:
        return self.name != self.python_name

    @property
    def description(self) -> str:
        name = f'; named {literal(self.name)} in the specification' if self.is_renamed else ''
        return f'{self.python_name}: {self.type_text}{name}'


class _TemplateFunction(msgspec.Struct, frozen=True):
    """A function as the template needs it; `result_class` is empty if it has no results."""

    name: str
    python_name: str
    result_class: str
    description: str
    notes: list[str]
    arguments: list[_TemplateField]
    results: list[_TemplateField]


def device_api_source(spec: Spec) -> str:
    """Return the source; equal specifications give the same text on every Python version."""
    python_names = function_names(spec.functions)
    result_classes = class_names(
        {name: python_names[name] for name, f in spec.functions.items() if f.results},
        python_names.values(),
    )
    functions = [
        _function(function, python_names[name], result_classes.get(name, ''))
        for name, function in sorted(spec.functions.items())
    ]
    template = _environment().get_template(_TEMPLATE)
    return template.render(
        functions=functions,
        imports=_imports(functions),
        spec_digest=spec_digest(spec),
    )


def _environment() -> jinja2.Environment:
    # The template renders Python, not HTML; the filters do the escaping.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    )
    environment.filters.update(literal=literal, paragraph=paragraph)
    return environment


def _imports(functions: list[_TemplateFunction]) -> list[str]:
    names = ['DeviceAPICallInfo', 'call_device']
    if any(function.results for function in functions):
        names.append('DeviceResult')
    if any(not function.results for function in functions):
        names.append('no_values')
    # Sorted as ruff does: classes before functions.
    return sorted(names, key=lambda name: (name.islower(), name))


def _function(function: Function, python_name: str, result_class: str) -> _TemplateFunction:
    return _TemplateFunction(
        name=function.name,
        python_name=python_name,
        result_class=result_class,
        description=_sentence(function.description) or f'Call `{function.name}`.',
        notes=_notes(function, python_name),
        arguments=_fields(function.arguments, result_class),
        results=_fields(function.results, result_class),
    )


def _notes(function: Function, python_name: str) -> list[str]:
    limits = [f'Available on {comma_list(list(function.device_types))}.']
    if function.timeout_s is not None:
        limits.append(f'Times out after {function.timeout_s:g} s.')
    if function.max_in_flight is not None:
        calls = 'call' if function.max_in_flight == 1 else 'calls'
        limits.append(f'At most {function.max_in_flight} {calls} at a time per device.')
    notes = [' '.join(limits)]
    if python_name != function.name:
        notes.append(f'Named {literal(function.name)} in the specification.')
    return notes


def _fields(fields: tuple[Field, ...], result_class: str) -> list[_TemplateField]:
    names = field_names([field.name for field in fields], taken={result_class})
    return [
        _TemplateField(
            name=field.name,
            python_name=names[field.name],
            annotation=_annotation(field.type),
            declaration=field.to_text(),
            type_text=field.describe(),
        )
        for field in fields
    ]


def _annotation(field_type: FieldType) -> str:
    if field_type.is_integer:
        return 'int'
    if field_type.is_float:
        return 'float'
    return 'bool' if field_type is FieldType.BOOL else 'str'


def _sentence(text: str) -> str:
    text = one_line(text)
    return text if not text or text[-1] in '.!?' else f'{text}.'
