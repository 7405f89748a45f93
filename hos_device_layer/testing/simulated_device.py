"""The behaviour of a simulated device: plausible results for every function, without any I/O."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from ..core.errors import ValueMismatchError
from ..core.spec.field_types import Field, FieldType, Value
from ..core.spec.records import FleetDevice, Function, Spec, Stream
from ..core.spec.serializers import PLACEHOLDER
from ..core.text import counted

# The largest change of a quantity from one reading to the next, as a fraction of its range.
_DRIFT = 0.02

# The range of numbers for which the specification gives none.
_DEFAULT_RANGE = (0, 100)

# Patterns of the arguments in a serialized command.
_TEXT_PATTERN = '(.*)'
_NUMBER_PATTERN = '([-.0-9]*)'


class SimulatedDevice:
    """A device of the specification; equal seeds give equal results."""

    def __init__(self, device: FleetDevice, spec: Spec, seed: int = 0) -> None:
        self.device = device
        self.is_serialized = spec.device_types[device.device_type].serialized_api
        self.functions = {f.name: f for f in spec.functions_of(device.device_type)}
        self.streams = spec.streams_of(device.device_type)
        self._random = random.Random(f'{seed}/{device.device_id}')
        self._quantities: dict[tuple[str, float, float], float] = {}

    def read_arguments(self, function: Function, texts: list[str]) -> dict[str, Value]:
        """Parse typed arguments; raises ValueMismatchError."""
        if len(texts) != len(function.arguments):
            raise ValueMismatchError(
                f'{function.name}: expected {counted(len(function.arguments), "argument")}, '
                f'found {len(texts)}'
            )
        return {f.name: f.parse(text) for f, text in zip(function.arguments, texts)}

    def read_serialized(self, function: Function, command: str) -> dict[str, Value]:
        """Parse the arguments of a serialized command; raises ValueMismatchError."""
        assert function.serializer is not None
        template = function.serializer.template
        first, *rest = map(re.escape, template.split(PLACEHOLDER))
        pattern = first + ''.join(
            (_TEXT_PATTERN if field.type is FieldType.STRING else _NUMBER_PATTERN) + piece
            for field, piece in zip(function.arguments, rest)
        )
        match = re.fullmatch(pattern, command)
        if match is None:
            raise ValueMismatchError(
                f'{function.name}: expected a command of the form {template!r}, found {command!r}'
            )
        return self.read_arguments(function, list(match.groups()))

    def run(self, function: Function, arguments: Mapping[str, Value]) -> dict[str, Value]:
        """Return the results of a call: arguments of the same name, else simulated readings."""
        return {field.name: self._result(field, arguments) for field in function.results}

    def sample(self, stream: Stream) -> dict[str, Value]:
        """Return the next sample of a stream."""
        return {field.name: self._measure(field) for field in stream.values}

    def duration(self, shortest_s: float, longest_s: float) -> float:
        """Return a random duration for the next call [s]."""
        return self._random.uniform(shortest_s, longest_s)

    def _result(self, field: Field, arguments: Mapping[str, Value]) -> Value:
        try:
            return field.check(arguments[field.name])
        except (KeyError, ValueMismatchError):
            return self._measure(field)

    def _measure(self, field: Field) -> Value:
        if field.type is FieldType.STRING:
            return f'{self.device.device_id}-{field.name}-{self._random.randrange(1000):03}'
        if field.type is FieldType.BOOL:
            return self._random.random() < 0.9
        low = _DEFAULT_RANGE[0] if field.low is None else field.low
        high = max(low, _DEFAULT_RANGE[1]) if field.high is None else field.high
        # A quantity has the same value in results and in streams.
        quantity = field.name, float(low), float(high)
        # Not written with `high - low`, which may be too large for a float.
        place, step = self._random.uniform(0.4, 0.6), self._random.uniform(-_DRIFT, _DRIFT)
        value = self._quantities.get(quantity, low * (1 - place) + high * place)
        value += high * step - low * step
        value = self._quantities[quantity] = min(max(value, low), high)
        reading = round(value, 3) if field.type.is_float else round(value)
        return field.check(min(max(reading, low), high))
