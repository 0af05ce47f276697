import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "published", Path(__file__).with_name("published.py")
)
_published = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_published)


@pytest.fixture(scope="session")
def published():
    """The module that builds databases."""
    return _published


@pytest.fixture
def build(tmp_path):
    """Build a database of given rows and candidates, and close it afterwards."""
    opened = []

    def make(*arguments, **options):
        database, number = _published.build(tmp_path / f"{len(opened)}.db", *arguments, **options)
        opened.append(database)
        return database, number

    yield make
    for database in opened:
        database.close()
