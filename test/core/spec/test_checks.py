import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hos_device_layer.core.spec.checks import check_tables
from hos_device_layer.core.spec.field_types import Field
from hos_device_layer.core.spec.records import DeviceType, FleetDevice, Function, Stream
from hos_device_layer.core.spec.serializers import Serializer
from hos_device_layer.core.spec.spec_tables import table_of
from hos_device_layer.core.spec.tables import Problem


def sound_tables():
    """Two device types, three functions, a stream and two fleets without any problem."""
    return {
        'devices': [
            {'device_type': 'Arm', 'device_role': 'Haive', 'serialized_api': True},
            {'device_type': 'Scale', 'ros_target': 'scale_node', 'description': 'It weighs.'},
        ],
        'apis': [
            {
                'function_name': 'move',
                'arguments': ['x:float32 -60..60 [mm]', 'n:uint8'],
                'results': 'x:float32, done:bool',
                'device_types': ['Arm'],
                'timeout_s': 2.5,
                'max_in_flight': 1,
            },
            {'function_name': 'weigh', 'results': ['m:float64'], 'device_types': 'Scale'},
            {'function_name': 'identify', 'device_types': ['Arm', 'Scale']},
        ],
        'serializers': [
            {'serializer': 'A$B$', 'function_name': ['move']},
            {'serializer': 'I', 'function_name': 'identify'},
        ],
        'streams': [{'stream': 'position', 'values': 'x:float32', 'device_types': ['Arm']}],
        'fleet-demo': [
            {'device_id': 'H1', 'device_uid': 1, 'device_type': ['Arm'], 'child_device': ['S1']},
            {'device_id': 'S1', 'device_uid': 2, 'device_type': 'Scale', 'baud_rate': 9600},
            {'device_id': 'S2', 'device_type': 'Scale'},
        ],
        'fleet-lab': [{'device_id': 'H1', 'device_uid': 4294967295, 'device_type': ['Arm']}],
    }


def changed(table, position, **cells):
    tables = sound_tables()
    tables[table][position].update(cells)
    return tables


def extended(table, *rows):
    tables = sound_tables()
    tables[table] += rows
    return tables


def without(table):
    tables = sound_tables()
    del tables[table]
    return tables


def places(spec):
    return [(problem.table, problem.row, problem.column) for problem in spec.problems]


def test_a_sound_specification():
    spec = check_tables(sound_tables())
    assert spec.problems == ()
    assert spec.device_types == {
        'Arm': DeviceType('Arm', 'Haive', serialized_api=True),
        'Scale': DeviceType('Scale', ros_target='scale_node', description='It weighs.'),
    }
    assert spec.functions == {
        'move': Function(
            'move',
            arguments=tuple(map(Field.from_text, ['x:float32 -60..60 [mm]', 'n:uint8'])),
            results=tuple(map(Field.from_text, ['x:float32', 'done:bool'])),
            device_types=('Arm',),
            serializer=Serializer('A$B$'),
            timeout_s=2.5,
            max_in_flight=1,
        ),
        'weigh': Function(
            'weigh', results=(Field.from_text('m:float64'),), device_types=('Scale',)
        ),
        'identify': Function(
            'identify', device_types=('Arm', 'Scale'), serializer=Serializer('I')
        ),
    }
    assert spec.streams == {
        'position': Stream('position', (Field.from_text('x:float32'),), ('Arm',))
    }
    assert spec.fleets == {
        'demo': {
            'H1': FleetDevice('H1', 1, 'Arm', 'demo', child_devices=('S1',)),
            'S1': FleetDevice('S1', 2, 'Scale', 'demo', baud_rate=9600),
            'S2': FleetDevice('S2', None, 'Scale', 'demo'),
        },
        'lab': {'H1': FleetDevice('H1', 4294967295, 'Arm', 'lab')},
    }


def test_what_a_device_type_can_do_is_sorted():
    spec = check_tables(sound_tables())
    assert [f.name for f in spec.functions_of('Arm')] == ['identify', 'move']
    assert [s.name for s in spec.streams_of('Arm')] == ['position']
    assert spec.functions_of('Nobody') == []


def test_unknown_tables_and_columns_and_blank_rows_are_ignored():
    tables = extended('apis', {}, {'function_name': ' ', 'arguments': [], 'description': None})
    tables['devices'].insert(0, {'serialized_api': False, 'device_type': ''})
    tables['people'] = [{'name': 'Ada'}]
    tables['devices'][1]['colour'] = {'red': [1]}
    assert check_tables(tables) == check_tables(sound_tables())


def test_serializers_are_also_found_under_their_other_name():
    tables = sound_tables()
    tables['api_serializers'] = tables.pop('serializers')
    assert check_tables(tables) == check_tables(sound_tables())
    tables['api_serializers'][0]['serializer'] = 'A$'
    assert places(check_tables(tables))[0] == ('apis', 'move', 'device_types')
    assert places(check_tables(tables))[1] == ('api_serializers', 'A$', 'serializer')


def test_different_functions_may_share_a_template():
    tables = changed('serializers', 1, serializer='A$B$')
    tables['apis'][2]['arguments'] = 'a:int8, b:int8'
    spec = check_tables(tables)
    assert spec.problems == ()
    assert spec.functions['identify'].serializer == spec.functions['move'].serializer


def test_a_broken_serializer_does_not_concern_a_function_that_needs_none():
    tables = extended('serializers', {'serializer': 'W$', 'function_name': 'weigh'})
    spec = check_tables(tables)
    assert places(spec) == [('serializers', 'W$', 'serializer')]
    assert spec.functions['weigh'].serializer is None


BROKEN_SERIALIZER = ('apis', 'move', 'device_types')

# Each mistake with the places and a word of the texts of exactly the problems that it makes.
MISTAKES = {
    'a device type without a name': (
        changed('devices', 1, device_type='', description='x'),
        [
            ('devices', '#2', 'device_type', 'is empty'),
            ('apis', 'weigh', 'device_types', "'Scale' is not in the table 'devices'"),
            ('apis', 'identify', 'device_types', "'Scale' is not in the table 'devices'"),
            ('fleet-demo', 'S1', 'device_type', "'Scale' is not in the table 'devices'"),
            ('fleet-demo', 'S2', 'device_type', "'Scale' is not in the table 'devices'"),
        ],
    ),
    'a device type twice': (
        extended('devices', {'device_type': 'Scale'}),
        [
            ('devices', 'Scale', 'device_type', 'appears 2 times; must be unique'),
            ('devices', 'Scale', 'device_type', 'appears 2 times; must be unique'),
            ('fleet-demo', 'S1', 'device_type', "'Scale' has a problem in the table 'devices'"),
            ('fleet-demo', 'S2', 'device_type', "'Scale' has a problem in the table 'devices'"),
        ],
    ),
    'a checkbox that is none': (
        extended('devices', {'device_type': 'New', 'serialized_api': 'yes'}),
        [('devices', 'New', 'serialized_api', "expected true or false, got 'yes'")],
    ),
    'a name with a control character': (
        extended('devices', {'device_type': 'N\x00w'}),
        [('devices', 'N\x00w', 'device_type', 'control character')],
    ),
    'an unknown type': (
        changed('apis', 1, results='m:double'),
        [('apis', 'weigh', 'results', "unknown type 'double'")],
    ),
    'a malformed field': (
        changed('apis', 1, arguments=['m']),
        [
            (
                'apis',
                'weigh',
                'arguments',
                "expected name:type, name:type low..high or name:type low..high [unit], got 'm'",
            )
        ],
    ),
    'a field that YAML reads as a mapping': (
        changed('apis', 1, arguments=[{'m': 'uint8'}]),
        [('apis', 'weigh', 'arguments', "expected text, got {'m': 'uint8'}; put it in quotes")],
    ),
    'a range that the type cannot hold': (
        changed('apis', 1, arguments='m:uint8 0..256'),
        [('apis', 'weigh', 'arguments', 'expected uint8 (0..255), got 256')],
    ),
    'an empty range': (
        changed('apis', 1, arguments='m:uint8 9..1'),
        [('apis', 'weigh', 'arguments', 'range is empty')],
    ),
    'a range on a string': (
        changed('apis', 1, arguments='m:string 0..9'),
        [('apis', 'weigh', 'arguments', 'takes no range')],
    ),
    'an argument twice': (
        changed('apis', 1, arguments='m:uint8, m:int8'),
        [('apis', 'weigh', 'arguments', "'m' appears 2 times; field names must be unique")],
    ),
    'too many arguments': (
        changed('apis', 1, arguments=[f'a{i}:uint8' for i in range(256)]),
        [('apis', 'weigh', 'arguments', 'expected at most 255 items, got 256')],
    ),
    'two mistakes in one row': (
        changed('apis', 1, arguments='m:double', timeout_s='soon'),
        [
            ('apis', 'weigh', 'arguments', "unknown type 'double'"),
            ('apis', 'weigh', 'timeout_s', "expected a number, got 'soon'"),
        ],
    ),
    'a function without a name': (
        extended('apis', {'device_types': ['Scale']}),
        [('apis', '#4', 'function_name', 'is empty')],
    ),
    'a function twice': (
        extended('apis', {'function_name': 'weigh', 'device_types': ['Scale']}),
        [('apis', 'weigh', 'function_name', 'appears 2 times; must be unique')] * 2,
    ),
    'a function without device types': (
        changed('apis', 1, device_types=[]),
        [('apis', 'weigh', 'device_types', "is empty; link it to a row of the table 'devices'")],
    ),
    'a function of an unknown device type': (
        changed('apis', 1, device_types=['Scale', 'rec123']),
        [('apis', 'weigh', 'device_types', "'rec123' is not in the table 'devices'")],
    ),
    'a negative timeout': (
        changed('apis', 1, timeout_s=-1),
        [
            (
                'apis',
                'weigh',
                'timeout_s',
                'expected a number of seconds above 0, at most 1000000000; got -1',
            )
        ],
    ),
    'no call at a time': (
        changed('apis', 1, max_in_flight=0),
        [('apis', 'weigh', 'max_in_flight', 'expected 1..4294967295, got 0')],
    ),
    'a missing serializer': (
        extended('apis', {'function_name': 'wave', 'device_types': 'Arm'}),
        [
            (
                'apis',
                'wave',
                'device_types',
                "'Arm' takes serialized commands; add a row for 'wave' to",
            )
        ],
    ),
    'too few $': (
        changed('serializers', 0, serializer='A$B'),
        [
            (*BROKEN_SERIALIZER, "the serializer 'A$B' has a problem"),
            (
                'serializers',
                'A$B',
                'serializer',
                "expected 2 $, one for each argument of 'move'; 'A$B' has 1",
            ),
        ],
    ),
    'too many $': (
        changed('serializers', 0, serializer='A$B$C$'),
        [
            (*BROKEN_SERIALIZER, "the serializer 'A$B$C$' has a problem"),
            (
                'serializers',
                'A$B$C$',
                'serializer',
                "expected 2 $, one for each argument of 'move'; 'A$B$C$' has 3",
            ),
        ],
    ),
    'an empty serializer': (
        changed('serializers', 0, serializer=' '),
        [
            (*BROKEN_SERIALIZER, "the serializer '#1' has a problem"),
            ('serializers', '#1', 'serializer', 'is empty'),
        ],
    ),
    'a serializer with a line end': (
        changed('serializers', 0, serializer='A$\nB$'),
        [
            (*BROKEN_SERIALIZER, "the serializer 'A$\\nB$' has a problem"),
            ('serializers', 'A$\nB$', 'serializer', 'control character or line break'),
        ],
    ),
    'a serializer without a function': (
        extended('serializers', {'serializer': 'Z'}),
        [('serializers', 'Z', 'function_name', 'is empty')],
    ),
    'a serializer of an unknown function': (
        extended('serializers', {'serializer': 'Z', 'function_name': 'fly'}),
        [('serializers', 'Z', 'function_name', "'fly' is not in the table 'apis'")],
    ),
    'a serializer of two functions': (
        extended('serializers', {'serializer': 'Z', 'function_name': ['move', 'weigh']}),
        [
            ('serializers', 'Z', 'function_name', 'expected a link to one row, got 2 links'),
        ],
    ),
    'two serializers of a function': (
        extended('serializers', {'serializer': 'C$D$', 'function_name': 'move'}),
        [
            (*BROKEN_SERIALIZER, "the serializer 'C$D$' has a problem"),
            ('serializers', 'A$B$', 'function_name', "'move' appears 2 times"),
            ('serializers', 'C$D$', 'function_name', "'move' appears 2 times"),
        ],
    ),
    'a broken argument is not also a wrong number of $': (
        changed('apis', 0, arguments='x:float32, n:byte'),
        [('apis', 'move', 'arguments', "unknown type 'byte'")],
    ),
    'a stream name that is no topic token': (
        changed('streams', 0, stream='arm position'),
        [('streams', 'arm position', 'stream', 'expected letters, digits and _')],
    ),
    'a stream name that starts with a digit': (
        changed('streams', 0, stream='2d'),
        [('streams', '2d', 'stream', 'starting with a letter')],
    ),
    'a stream name in another script': (
        changed('streams', 0, stream='größe'),
        [('streams', 'größe', 'stream', 'expected letters, digits and _')],
    ),
    'a stream name too long for a topic': (
        changed('streams', 0, stream='x' * 101),
        [('streams', 'x' * 101, 'stream', 'at most 100')],
    ),
    'a stream without values': (
        changed('streams', 0, values=None),
        [('streams', 'position', 'values', 'is empty')],
    ),
    'a stream twice': (
        extended('streams', {'stream': 'position', 'values': 'y:bool', 'device_types': 'Scale'}),
        [('streams', 'position', 'stream', 'appears 2 times; must be unique')] * 2,
    ),
    'a stream of an unknown device type': (
        changed('streams', 0, device_types='Leg'),
        [('streams', 'position', 'device_types', "'Leg' is not in the table 'devices'")],
    ),
    'a device without an id': (
        changed('fleet-demo', 2, device_id=None),
        [('fleet-demo', '#3', 'device_id', 'is empty')],
    ),
    'a device twice in a fleet': (
        extended('fleet-demo', {'device_id': 'S2', 'device_type': 'Scale'}),
        [('fleet-demo', 'S2', 'device_id', 'appears 2 times; must be unique')] * 2,
    ),
    'a device without a type': (
        changed('fleet-demo', 2, device_type=[]),
        [('fleet-demo', 'S2', 'device_type', 'is empty')],
    ),
    'a device of two types': (
        changed('fleet-demo', 2, device_type=['Scale', 'Arm']),
        [('fleet-demo', 'S2', 'device_type', 'expected a link to one row, got 2 links')],
    ),
    'a device of an unknown type': (
        changed('fleet-demo', 2, device_type='Leg'),
        [('fleet-demo', 'S2', 'device_type', "'Leg' is not in the table 'devices'")],
    ),
    'a uid that is no number': (
        changed('fleet-demo', 2, device_uid='abc'),
        [('fleet-demo', 'S2', 'device_uid', "expected a number, got 'abc'")],
    ),
    'a uid beyond uint32': (
        changed('fleet-demo', 2, device_uid=2**32),
        [('fleet-demo', 'S2', 'device_uid', 'expected 0..4294967295, got 4294967296')],
    ),
    'a negative uid': (
        changed('fleet-demo', 2, device_uid=-1),
        [('fleet-demo', 'S2', 'device_uid', 'expected 0..4294967295, got -1')],
    ),
    'a uid in two fleets': (
        changed('fleet-lab', 0, device_uid=1),
        [
            (table, 'H1', 'device_uid', "2 devices: 'H1' (fleet-demo), 'H1' (fleet-lab)")
            for table in ('fleet-demo', 'fleet-lab')
        ],
    ),
    'a uid as number and as text': (
        changed('fleet-demo', 2, device_uid='2'),
        [
            ('fleet-demo', device_id, 'device_uid', "2 devices: 'S1' (fleet-demo), 'S2'")
            for device_id in ('S1', 'S2')
        ],
    ),
    'no baud': (
        changed('fleet-demo', 1, baud_rate=0),
        [('fleet-demo', 'S1', 'baud_rate', 'expected 1..4294967295, got 0')],
    ),
    'a child that is not in the fleet': (
        changed('fleet-demo', 2, child_device='H9'),
        [('fleet-demo', 'S2', 'child_device', "'H9' is not in the table 'fleet-demo'")],
    ),
    'a child of itself': (
        changed('fleet-demo', 2, child_device='S2'),
        [('fleet-demo', 'S2', 'child_device', "'S2' is its own descendant")],
    ),
    'a ring of children': (
        changed('fleet-demo', 1, child_device='H1'),
        [
            ('fleet-demo', device_id, 'child_device', f"'{device_id}' is its own descendant")
            for device_id in ('H1', 'S1')
        ],
    ),
    'a missing streams table': (without('streams'), [('streams', '', '', 'is missing')]),
}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_mistakes(mistake):
    tables, expected = MISTAKES[mistake]
    spec = check_tables(copy.deepcopy(tables))
    assert places(spec) == [place[:3] for place in expected]
    for problem, (*_, text) in zip(spec.problems, expected):
        assert text in problem.text


@pytest.mark.parametrize('mistake', MISTAKES)
def test_rows_without_a_problem_are_all_there_and_unchanged(mistake):
    tables, expected = MISTAKES[mistake]
    spec, sound = check_tables(copy.deepcopy(tables)), check_tables(sound_tables())
    for table, have, should in (
        ('devices', spec.device_types, sound.device_types),
        ('apis', spec.functions, sound.functions),
        ('streams', spec.streams, sound.streams),
        ('fleet-demo', spec.fleets['demo'], sound.fleets['demo']),
        ('fleet-lab', spec.fleets['lab'], sound.fleets['lab']),
    ):
        broken = {row for where, row, *_ in expected if where == table}
        assert broken.isdisjoint(have)
        written = {row.get(table_of(table).name_column.name) for row in tables.get(table, ())}
        for name in written & should.keys() - broken:
            assert have[name] == should[name]


def test_no_tables_at_all():
    spec = check_tables({})
    assert [str(problem) for problem in spec.problems] == [
        "table 'devices': is missing; add the table",
        "table 'apis': is missing; add the table",
        "table 'serializers': is missing; add the table",
        "table 'streams': is missing; add the table",
        "table 'fleet-…': is missing; add a table for each fleet",
    ]
    assert spec.functions == spec.fleets == {}


def test_problems_of_the_source_come_first():
    problem = Problem('streams', '', '', 'cannot be read')
    spec = check_tables(changed('fleet-demo', 2, device_uid='abc'), [problem])
    assert spec.problems[0] == problem
    assert places(spec)[1:] == [('fleet-demo', 'S2', 'device_uid')]


def test_rejected_rows_are_kept_with_their_problems():
    tables = changed('apis', 1, results='m:double', timeout_s='soon')
    tables['fleet-lab'][0]['device_uid'] = 2
    rejected = check_tables(tables).rejected
    assert rejected.functions.keys() == {'weigh'}
    for part in ("table 'apis', row 'weigh', column 'results'", "unknown type 'double'", "'soon'"):
        assert part in rejected.functions['weigh']
    assert rejected.devices.keys() == {('demo', 'S1'), ('lab', 'H1')}
    assert rejected.uids.keys() == {2}
    assert '2 belongs to 2 devices' in rejected.uids[2]


def test_a_uid_that_many_share_is_reported_briefly():
    tables = extended('fleet-lab', *({'device_id': f'D{i}', 'device_uid': 9} for i in range(900)))
    shared = [p.text for p in check_tables(tables).problems if p.column == 'device_uid']
    assert len(shared) == 900
    assert all('900 devices' in text and len(text) < 200 for text in shared)


def test_only_devices_in_a_ring_are_reported_as_such():
    links = {'a': 'b', 'b': 'c, e', 'c': 'd, b', 'd': 'b', 'e': 'f', 'f': 'g', 'g': 'f', 'h': ''}
    tables = sound_tables()
    tables['fleet-lab'] = [
        {'device_id': name, 'device_type': 'Scale', 'child_device': children}
        for name, children in links.items()
    ]
    assert {problem.row for problem in check_tables(tables).problems} == {*'bcdfg'}


COLUMNS = {
    'devices': ['device_type', 'device_role', 'serialized_api', 'ros_target', 'description'],
    'apis': ['function_name', 'arguments', 'results', 'device_types', 'timeout_s'],
    'serializers': ['serializer', 'function_name'],
    'api_serializers': ['serializer', 'function_name'],
    'streams': ['stream', 'values', 'device_types', 'description'],
    'fleet-junk': ['device_id', 'device_uid', 'device_type', 'baud_rate', 'child_device'],
}


def junk_tables(texts):
    cells = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.binary() | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
        max_leaves=6,
    )
    rows = {
        table: st.lists(st.dictionaries(st.sampled_from([*columns, 'other']), cells), max_size=4)
        for table, columns in COLUMNS.items()
    }
    return st.fixed_dictionaries({}, optional=rows)


# No name of the sound tables can be written without these letters.
strange_texts = st.text(st.characters(exclude_characters='emo'))
telling_texts = st.sampled_from(['Arm', 'move', 'H1', 'S1', 'x:uint8', 'A$'])


@given(junk_tables(strange_texts | telling_texts))
def test_junk_is_reported_row_by_row(tables):
    spec = check_tables(tables)
    for problem in spec.problems:
        assert problem.table in tables or problem.text.startswith('is missing')
        assert problem.text
        assert bool(problem.row) is bool(problem.column) is (problem.table in tables)


@given(junk_tables(strange_texts))
def test_junk_beside_sound_rows_changes_none_of_them(tables):
    sound = check_tables(sound_tables())
    for row in tables.get('fleet-junk', ()):
        row.pop('device_uid', None)  # it could be that of a sound device
    mixed = sound_tables()
    for table, rows in tables.items():
        mixed[table] = [*rows, *mixed.get(table, []), *rows]
    spec = check_tables(mixed)
    for have, should in (
        (spec.device_types, sound.device_types),
        (spec.functions, sound.functions),
        (spec.streams, sound.streams),
        (spec.fleets['demo'], sound.fleets['demo']),
        (spec.fleets['lab'], sound.fleets['lab']),
    ):
        assert {name: have.get(name) for name in should} == dict(should)


def test_a_cell_that_cannot_be_printed_is_one_problem():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    circular = {}
    circular['self'] = [circular]
    for cell in (deep, circular, 16**5000, -(16**5000), [16**5000]):
        spec = check_tables(changed('apis', 1, arguments=cell))
        assert places(spec) == [('apis', 'weigh', 'arguments')]
        assert len(spec.problems[0].text) < 200
        assert len(places(check_tables(changed('apis', 1, function_name=cell)))) == 1


def test_ten_thousand_rows_in_one_ring_of_children_are_all_reported():
    # With a search from each device on its own this test would not end.
    count = 10_000
    tables = sound_tables()
    tables['fleet-lab'] = [
        {'device_id': f'D{i}', 'device_type': 'Arm', 'child_device': f'D{(i + 1) % count}'}
        for i in range(count)
    ]
    assert len(check_tables(tables).problems) == count
