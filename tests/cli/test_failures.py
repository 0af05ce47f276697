"""However a verb ends: one sentence, the right exit code, a traceback only on demand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mgscreen.cli import failures, new
from mgscreen.core.errors import InputError, Location, MgscreenError


def raising(monkeypatch, error):
    def text(_template):
        raise error

    monkeypatch.setattr(new, "_text", text)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("wrong", Location("f.toml", 3, "a.b")), 2, "error: f.toml:3: a.b: wrong"),
        (MgscreenError("it\nfailed\x1b[31m"), 1, "error: it failed?[31m"),
        (KeyboardInterrupt(), 130, "interrupted; run the same command to go on"),
    ],
)
def test_what_is_raised_on_purpose(mgscreen, monkeypatch, error, code, line):
    raising(monkeypatch, error)
    result = mgscreen("new", "x")
    assert (result.code, result.err) == (code, f"{line}\n")


def test_a_defect_is_one_sentence_and_a_log(mgscreen, monkeypatch):
    raising(monkeypatch, ZeroDivisionError("by\nnothing"))
    result = mgscreen("new", "x")
    assert result.code == 1
    assert result.err.count("\n") == 1
    assert "ZeroDivisionError: by nothing" in result.err
    log = Path(re.search(r"traceback is in (\S+)\)", result.err).group(1))
    text = log.read_text()
    log.unlink()
    assert "Traceback" in text
    assert "_text" in text


@pytest.mark.parametrize("how", ["option", "environment"])
def test_debug_shows_the_traceback(tmp_path, how):
    arguments = ["--debug", "new", "x"] if how == "option" else ["new", "x"]
    script = (
        "from mgscreen.cli import main, new\n"
        "def text(_): raise ZeroDivisionError\n"
        "new._text = text\n"
        f"main.main({arguments})\n"
    )
    environment = {**os.environ, **({"MGSCREEN_DEBUG": "1"} if how == "environment" else {})}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_debug_shows_no_traceback_of_bad_input(mgscreen, monkeypatch):
    raising(monkeypatch, InputError("wrong"))
    assert mgscreen("--debug", "new", "x").err == "error: wrong\n"


def test_a_reader_that_has_enough_is_no_error(tmp_path):
    command = f"{sys.executable} -m mgscreen.cli.main candidates list -f json"
    done = subprocess.run(
        ["bash", "-c", f'{command} | head -c 5; echo " ${{PIPESTATUS[0]}}"'],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.split()[-1] == "0"
    assert not done.stderr


def test_one_line_of_anything():
    assert failures.one_line("a\n\tb\x00\x1b[2Jc\u202e") == "a b??[2Jc?"
