"""What `pip install mgscreen` gives behaves as a checkout does, from any folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the wheel, unpack it into an empty folder, and return how to run it from elsewhere."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    built = subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode and "hatchling" in built.stderr:
        pytest.skip("the build backend hatchling cannot be fetched here")
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("mgscreen-*.whl")
    site = folder / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()

    def run(code: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=elsewhere,
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=False,
        )

    return site, run


def test_its_data_lies_inside_the_package(installed):
    site, run = installed
    done = run(
        "from mgscreen.core.resources import data_path as p\n"
        "for parts in (('workflows', 'laptop.toml'), ('structures', 'candidates.csv'),\n"
        "              ('results', 'reference', 'sources.csv'), ('hpc',)):\n"
        "    print(p(*parts))"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert all(line.startswith(str(site / "mgscreen" / "data")) for line in lines)


def test_it_plans_a_shipped_campaign_from_another_folder(installed):
    _, run = installed
    done = run("from mgscreen.cli.main import main; main(['plan', 'laptop', '--format', 'json'])")
    assert done.returncode == 0, done.stderr
    assert "redox_adiabatic" in done.stdout


def test_it_lists_its_library(installed):
    _, run = installed
    done = run(
        "from mgscreen.cli.main import main; main(['candidates', 'list', '--format', 'csv'])"
    )
    assert done.returncode == 0, done.stderr
    assert "\nPFTB," in done.stdout
