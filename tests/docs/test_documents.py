"""The documents say what the code does: tables are generated, commands run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mgscreen.core.properties import PROPERTIES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLE = ROOT / "results" / "example" / "mgscreen.db"


def commands():
    for path in DOCUMENTS:
        for fence in re.findall(r"```console\n(.*?)```", path.read_text("utf-8"), flags=re.DOTALL):
            for line in fence.splitlines():
                command = line.strip().removeprefix(".venv/bin/")
                if command.startswith("mgscreen "):
                    yield pytest.param(command, id=f"{path.name}: {command}"[:90])


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with the shipped campaigns and the finished laptop campaign."""
    shutil.copytree(ROOT / "workflows", tmp_path / "workflows")
    (tmp_path / "results" / "laptop").mkdir(parents=True)
    shutil.copy(EXAMPLE, tmp_path / "results" / "laptop" / "mgscreen.db")
    return tmp_path


@pytest.mark.parametrize("command", list(commands()))
def test_a_documented_command_runs(command, checkout):
    program = str(Path(sys.executable).with_name("mgscreen"))
    done = subprocess.run(
        [program, *shlex.split(command)[1:]],
        cwd=checkout,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr


def test_every_property_is_documented():
    text = (ROOT / "docs" / "properties.md").read_text("utf-8")
    for info in PROPERTIES.values():
        row = f"| `{info.name}` | {info.unit or '-'} | {info.kind} | {info.description} |"
        assert row in text
    assert text.count("\n| `") == len(PROPERTIES)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).exists(), target


def test_the_ranking_in_the_readme_is_that_of_the_example():
    program = str(Path(sys.executable).with_name("mgscreen"))
    done = subprocess.run(
        [program, "rank", "additives", "laptop", "--db", str(EXAMPLE)],
        env={**os.environ, "COLUMNS": "140"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() in (ROOT / "README.md").read_text("utf-8")
