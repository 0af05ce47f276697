import importlib.util
from pathlib import Path

import pytest

_path = Path(__file__).parent.parent / "ranking" / "published.py"
_spec = importlib.util.spec_from_file_location("published", _path)
_published = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_published)

_place = Path(__file__).parent / "whole.py"
_whole_spec = importlib.util.spec_from_file_location("whole", _place)
_whole = importlib.util.module_from_spec(_whole_spec)
_whole_spec.loader.exec_module(_whole)

EVIL = '</script><script>document.title="owned"</script>'
ATTRIBUTE = "\"><img src=x onerror=\"document.title='owned'\">'{{ 7 * 7 }}"


@pytest.fixture(scope="session")
def published():
    return _published


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """A database in which every text that a user or a program can set tries to break out."""
    p = _published
    rows = [
        *p.PUBLISHED,
        (
            EVIL,
            "molecule",
            EVIL,
            [
                p.potential("reduction", 0.4),
                p.potential("oxidation", 4.9),
                p.level("homo", -7.0),
                p.level("lumo", 1.0),
            ],
        ),
        (
            "BAD",
            "contact-ion-pair",
            ATTRIBUTE,
            [p.failure("reduction_potential_vertical", f"{EVIL}{ATTRIBUTE}")],
        ),
    ]
    candidates = (
        p.TFSI,
        p.PFTB,
        p.DME,
        p.Row(EVIL, ATTRIBUTE),
        p.Row("BAD", EVIL, -1),
        p.Row("TODO"),
    )
    text = p.CAMPAIGN.replace("Two salts in DME", "</title><script>1</script>")
    database, number = p.build(
        tmp_path_factory.mktemp("hostile") / "mgscreen.db", rows, candidates, text=text
    )
    yield database, number
    database.close()


@pytest.fixture(scope="session")
def page(hostile, tmp_path_factory):
    """Path of the report of the hostile database."""
    from mgscreen.report.html import write_report

    return write_report(*hostile, tmp_path_factory.mktemp("report") / "out" / "report.html")


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Database and id of a campaign with every part, full of texts that try to break out."""
    database, number = _whole.build(tmp_path_factory.mktemp("whole") / "mgscreen.db")
    yield database, number
    database.close()


@pytest.fixture(scope="session")
def whole_page(whole, tmp_path_factory):
    """Path of the report of the whole campaign."""
    from mgscreen.report.html import write_report

    return write_report(*whole, tmp_path_factory.mktemp("report") / "whole.html")
