"""Every verb explains itself, at once: nothing heavy is imported for it."""

import subprocess
import sys

import pytest

VERBS = [
    ("run",),
    ("status",),
    ("retry",),
    ("query",),
    ("rank",),
    ("rank", "additives"),
    ("explain",),
    ("report",),
    ("serve",),
    ("convergence",),
    ("rank", "pairs"),
    ("rank", "phases"),
    ("rank", "fragments"),
    ("rank", "coatings"),
    ("validate",),
    ("plan",),
    ("new",),
    ("candidates",),
    ("candidates", "list"),
    ("candidates", "show"),
    ("candidates", "check"),
    ("doctor",),
    ("submit",),
    ("cancel",),
    ("logs",),
    ("cluster",),
    ("cluster", "check"),
    ("cluster", "list"),
    ("db",),
    ("db", "upgrade"),
    ("db", "backup"),
    ("db", "copy"),
    ("export",),
    ("export", "inputs"),
    ("export", "results"),
    ("import",),
]
HEAVY = {
    "altair",
    "ase",
    "jobflow",
    "maggma",
    "matplotlib",
    "networkx",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "pymatgen",
    "pyscf",
    "rapidfuzz",
    "rdkit",
    "scipy",
    "sqlalchemy",
    "tblite",
    "tree_sitter",
}


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_help_with_an_example(mgscreen, verb):
    result = mgscreen(*verb, "--help")
    assert result.code == 0
    text = " ".join(result.out.split())
    assert f"Example: mgscreen {verb[0]}" in text
    assert not result.err


def test_every_verb_is_tested_here(mgscreen):
    from mgscreen.cli.main import app

    names = {c.name for c in app.registered_commands} | {g.name for g in app.registered_groups}
    assert names == {verb[0] for verb in VERBS}
    assert mgscreen("--help").code == 0


def test_help_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from mgscreen.cli.main import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit as left:\n"
        "    assert left.code == 0\n"
        "print('MODULES', *{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.rpartition("MODULES")[2].split())
    assert "mgscreen" in loaded
    assert not loaded & HEAVY


def test_version(mgscreen):
    from mgscreen import __version__

    assert mgscreen("--version").out == f"mgscreen {__version__}\n"


def test_an_unknown_verb_is_bad_input(mgscreen):
    result = mgscreen("statsu")
    assert result.code == 2
    assert "status" in result.err
