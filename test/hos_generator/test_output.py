"""Where the generated file goes by default: real folders, and a real installation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from installed_copy import InstalledCopy
from project import ROOT

from hos_generator.output import OutputError, default_output, import_name

PACKAGE_XML = '<package format="3">\n  <name>{}</name>\n</package>\n'


def make(root: Path, *files: str, name: str = 'my_arm') -> Path:
    """Make a folder with files; a package.xml gets a name."""
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PACKAGE_XML.format(name) if path.name == 'package.xml' else '')
    return root


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return make(tmp_path / 'lib/python3/site-packages', 'hos_device_layer/__init__.py')


@pytest.fixture
def installed(tmp_path: Path, library: Path) -> Path:
    """An installed `hos_device_layer`, with a share folder beside its modules."""
    (tmp_path / 'share' / 'hos_device_layer').mkdir(parents=True)
    return library / 'hos_device_layer'


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp('workspace') / 'my_arm'


def test_a_source_checkout_has_its_own_file(tmp_path: Path) -> None:
    expected = ROOT / 'hos_device_layer' / 'gen' / 'hos_device_api.py'
    assert default_output(ROOT / 'hos_device_layer', tmp_path) == expected


@pytest.mark.parametrize(
    ('files', 'expected'),
    [
        (['package.xml', 'setup.py', 'my_arm/__init__.py'], 'my_arm'),
        (['package.xml', 'my_arm/__init__.py', 'other/__init__.py'], 'my_arm'),
        (['package.xml', 'CMakeLists.txt', 'my_arm/__init__.py'], 'my_arm'),
        (['setup.py', 'picking/__init__.py'], 'picking'),
        (['pyproject.toml', 'picking/__init__.py', 'test/__init__.py'], 'picking'),
        (['pyproject.toml', 'src/picking/__init__.py'], 'src/picking'),
        (['pyproject.toml', 'a/__init__.py', 'my_arm/__init__.py'], 'my_arm'),
        (['package.xml', 'CMakeLists.txt'], '.'),
        (['pyproject.toml', 'notes/todo.txt'], '.'),
        (['picking/__init__.py'], '.'),
        (['program.py'], '.'),
    ],
)
def test_a_package_of_the_user_gets_the_file_and_any_other_folder_too(
    installed: Path, root: Path, files: list[str], expected: str
) -> None:
    make(root, *files)
    assert default_output(installed, root) == root / expected / 'hos_device_api.py'


def test_the_declared_name_chooses_the_package_folder(installed: Path, root: Path) -> None:
    make(root, 'package.xml', 'arm/__init__.py', 'lift/__init__.py', name='lift')
    assert default_output(installed, root).parent == root / 'lift'


def test_an_ambiguous_package_is_refused_with_the_option_to_give(
    installed: Path, root: Path
) -> None:
    make(root, 'setup.py', 'left/__init__.py', 'right/__init__.py')
    with pytest.raises(OutputError, match=r'\(left, right\); choose one: --output left/hos_'):
        default_output(installed, root)


def test_an_installation_is_refused(installed: Path, library: Path, tmp_path: Path) -> None:
    for folder in (library, installed, installed / 'gen', tmp_path / 'share', tmp_path):
        folder.mkdir(exist_ok=True)
        with pytest.raises(OutputError, match='--output FILE'):
            default_output(installed, folder)


@pytest.mark.parametrize(
    ('files', 'file', 'name'),
    [
        (['my_arm/__init__.py'], 'my_arm/hos_device_api.py', 'my_arm.hos_device_api'),
        (['a/__init__.py', 'a/b/__init__.py'], 'a/b/api.py', 'a.b.api'),
        ([], 'hos_device_api.py', 'hos_device_api'),
        ([], 'my-api.py', None),
    ],
)
def test_how_a_file_is_imported(root: Path, files: list[str], file: str, name: str | None) -> None:
    assert import_name(make(root, *files) / file) == name


@pytest.fixture(scope='module')
def copy(tmp_path_factory: pytest.TempPathFactory) -> InstalledCopy:
    return InstalledCopy(tmp_path_factory.mktemp('installed'))


def generate(copy: InstalledCopy, folder: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, '-m', 'hos_generator', *options],
        cwd=folder,
        env=copy.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def imports(copy: InstalledCopy, folder: Path, statement: str) -> bool:
    """Tell whether the statement that was printed works, from the folder."""
    done = subprocess.run(
        [sys.executable, '-c', statement], cwd=folder, env=copy.environment(), check=False
    )
    return done.returncode == 0


def test_an_installed_copy_writes_into_the_users_package(copy: InstalledCopy, root: Path) -> None:
    before = copy.files()
    make(root, 'package.xml', 'setup.py', 'my_arm/__init__.py')
    code, printed = generate(copy, root)
    assert code == 0, printed
    output = root / 'my_arm' / 'hos_device_api.py'
    assert f'functions to {output}' in printed
    statement = printed.partition('Import them with: ')[2].strip()
    assert statement == 'from my_arm.hos_device_api import balance_tare'
    assert imports(copy, root, statement)
    assert generate(copy, root, '--check') == (0, f'{output} is up to date\n')
    assert copy.files() == before


def test_an_installed_copy_writes_into_the_current_folder(copy: InstalledCopy, root: Path) -> None:
    before = copy.files()
    root.mkdir()
    code, printed = generate(copy, root)
    assert code == 0, printed
    assert [path.name for path in root.iterdir()] == ['hos_device_api.py']
    assert f'from hos_device_api import balance_tare (in programs in {root})' in printed
    assert imports(copy, root, 'from hos_device_api import balance_tare')
    assert copy.files() == before


def test_an_installed_copy_never_writes_into_itself(copy: InstalledCopy) -> None:
    before = copy.files()
    for folder in (copy.site, copy.site / 'hos_device_layer' / 'gen', copy.prefix / 'share'):
        code, printed = generate(copy, folder)
        assert code == 1
        assert 'is part of an installation' in printed
        assert '--output FILE' in printed
    assert copy.files() == before


def test_a_file_that_is_named_wins_even_in_an_installation(
    copy: InstalledCopy, root: Path
) -> None:
    make(root, 'package.xml', 'my_arm/__init__.py')
    for output in (root / 'elsewhere' / 'api.py', copy.site / 'hos_device_layer/gen/mine.py'):
        code, printed = generate(copy, root, '--output', str(output))
        assert code == 0, printed
        assert output.exists()
    assert not (root / 'my_arm' / 'hos_device_api.py').exists()
    assert 'from hos_device_layer.gen.mine import' in printed
