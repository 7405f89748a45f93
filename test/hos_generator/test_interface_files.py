from __future__ import annotations

from pathlib import Path

import pytest

from hos_generator import interface_files
from hos_generator.interface_files import DefinedField, DefinedInterface, read_interfaces


def test_a_service_with_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'srv').mkdir()
    (tmp_path / 'srv' / 'Turn.srv').write_text(
        '# Turns a wheel,\n# once.\n\nfloat64 angle  # [rad], e.g. "1.5"\n'
        'uint8[] ids\n---\nbool ok\n'
    )
    monkeypatch.setattr(interface_files, 'FOLDER', tmp_path)
    assert read_interfaces('msg') == []
    assert read_interfaces('srv') == [
        DefinedInterface(
            'Turn',
            'Turns a wheel, once.',
            (
                (
                    DefinedField('float64', 'angle', '[rad], e.g. "1.5"'),
                    DefinedField('uint8[]', 'ids', ''),
                ),
                (DefinedField('bool', 'ok', ''),),
            ),
        )
    ]
