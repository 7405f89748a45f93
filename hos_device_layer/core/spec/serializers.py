"""Serialized commands: templates in which each `$` stands for an argument."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..errors import SpecError, ValueMismatchError
from ..text import shortened

PLACEHOLDER = '$'


class Serializer(msgspec.Struct, frozen=True):
    """The template of one function, e.g. `A$B$C`; the text around each `$` is kept as it is."""

    template: str

    def __post_init__(self) -> None:
        if not self.template.isprintable():
            raise SpecError(
                f'{shortened(self.template)} contains a control character or line break; remove it'
            )

    @property
    def argument_count(self) -> int:
        """The number of arguments that it takes."""
        return self.template.count(PLACEHOLDER)

    def serialize(self, arguments: Sequence[str]) -> str:
        """
        Fill in the arguments, in order.

        Raises ValueMismatchError if their number is not `argument_count`, or if one contains a
        control character or line break, which could start a second command.
        """
        pieces = self.template.split(PLACEHOLDER)
        if len(arguments) != len(pieces) - 1:
            raise ValueMismatchError(
                f'expected {len(pieces) - 1} arguments for the template {self.template!r}, '
                f'got {len(arguments)}'
            )
        command = pieces[0]
        for argument, piece in zip(arguments, pieces[1:]):
            if not argument.isprintable():
                raise ValueMismatchError(
                    f'{shortened(argument)} contains a control character or line break, which '
                    'a serialized command must not contain'
                )
            command += argument + piece
        return command
