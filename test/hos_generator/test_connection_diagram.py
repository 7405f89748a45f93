import pytest
from project import ROOT

from hos_device_layer.core.dispatch.connections import TRANSITIONS, ConnectionState
from hos_generator.connection_diagram import draw, main, with_diagram

GUIDE = ROOT / 'docs' / 'connections.md'


def test_the_guide_shows_the_table_that_the_code_runs_on():
    text = GUIDE.read_text(encoding='utf-8')
    remedy = 'run python3 -m hos_generator.connection_diagram docs/connections.md'
    assert with_diagram(text) == text, remedy


def test_every_transition_that_is_seen_from_outside_is_drawn():
    lines = draw().splitlines()
    assert lines[0] == 'stateDiagram-v2'
    for (old, trigger), (new, event) in TRANSITIONS.items():
        end = '[*]' if new is ConnectionState.FORGOTTEN else new.name
        drawn = [
            line.partition(': ')[2]
            for line in lines
            if line.strip().startswith(f'{old.name} --> {end}:')
        ]
        if new is old and event is None:
            assert not any(trigger.value in label.split(' ') for label in drawn)
            continue
        (label,) = (label for label in drawn if trigger.value in label.partition(' / ')[0])
        assert label.partition(' / ')[2] == (event.value if event else '')


def test_a_document_is_drawn_in_place(tmp_path):
    document = tmp_path / 'page.md'
    document.write_text('before\n```mermaid\nold\n```\nafter\n')
    assert main([str(document)]) == 0
    assert document.read_text() == f'before\n```mermaid\n{draw()}```\nafter\n'


@pytest.mark.parametrize('document', ['', '```mermaid\n```\n```mermaid\n```\n'])
def test_a_document_needs_one_place_for_the_diagram(document):
    with pytest.raises(ValueError, match='mermaid'):
        with_diagram(document)
