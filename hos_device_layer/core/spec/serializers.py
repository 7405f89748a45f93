"""Serialized commands: a template in which each `$` stands for an argument."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..errors import SpecError, ValueMismatchError
from ..text import shortened

PLACEHOLDER = '$'


class Serializer(msgspec.Struct, frozen=True):
    """The template of one function, e.g. `A$B$C`; text around the `$` is kept to the letter."""

    template: str

    def __post_init__(self) -> None:
        if not self.template.isprintable():
            raise SpecError(f'{shortened(self.template)} holds a control character or line end')

    @property
    def argument_count(self) -> int:
        return self.template.count(PLACEHOLDER)

    def serialize(self, arguments: Sequence[str]) -> str:
        """
        Fill in the arguments, in order.

        Raises ValueMismatchError where one holds a control character or line end, which could
        start a second command, or where their number is not `argument_count`.
        """
        pieces = self.template.split(PLACEHOLDER)
        if len(arguments) != len(pieces) - 1:
            raise ValueMismatchError(
                f'the template {self.template!r} takes {len(pieces) - 1} arguments, '
                f'not {len(arguments)}'
            )
        command = pieces[0]
        for argument, piece in zip(arguments, pieces[1:]):
            if not argument.isprintable():
                raise ValueMismatchError(
                    f'{shortened(argument)} holds a control character or line end, which a '
                    'serialized command must not'
                )
            command += argument + piece
        return command
