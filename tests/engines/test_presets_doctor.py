from __future__ import annotations

import pytest

from mgscreen.core.errors import InputError
from mgscreen.engines.base import get_engine
from mgscreen.engines.doctor import examine
from mgscreen.engines.presets import PRESETS, preset


@pytest.mark.parametrize("name", PRESETS)
def test_every_level_of_a_preset_runs(name, water, tmp_path):
    for step, level in preset(name, dielectric=7.2).items():
        found = get_engine(level).single_point(water, tmp_path / step)
        assert found.alpha.homo_ev < -5
        assert not found.recovery
    assert preset(name)["redox"].dielectric == 7.2


def test_unknown_preset():
    with pytest.raises(InputError, match="no preset 'fast'"):
        preset("fast")


def test_every_engine_works_here():
    for status in examine():
        assert status.install.startswith("pip install")
        if status.name.endswith("on a GPU") and not status.installed:
            assert status.note, "a machine without a GPU says so"
            continue
        assert status.works, status.note
        assert status.version
        assert status.citation.startswith(("doi:", "arXiv:"))
        assert status.seconds < 30


def test_a_missing_engine_is_said_so(monkeypatch):
    from mgscreen.engines import doctor

    monkeypatch.setattr(doctor, "_version", lambda _: "")
    status = doctor._try(doctor.PROBES[0])
    assert not status.installed
    assert not status.works
    assert status.note == "not installed"
