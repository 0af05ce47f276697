"""Run the command in this process, and a database written through the real ``Database``."""

import sys
import tomllib
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from pydantic import Field

from mgscreen.campaign.models import Campaign
from mgscreen.cli.main import main
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.database.database import Database
from mgscreen.database.jobs import JobRef

CAMPAIGN = """\
name = "two-salts"

[host]
salts = []

[candidates]
library = ["TFSI", "PFTB"]

[ranking]
potential = "vertical"
"""
REDOX = "pyscf:b3lyp/6-31+g(d)/cpcm(7.2)"
LEVELS = "pyscf:b3lyp/6-31g(d)"


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def mgscreen(capsys, monkeypatch, tmp_path):
    """Call the command as a shell would; in a folder of its own, without a set database."""
    monkeypatch.delenv("MGSCREEN_DB", raising=False)
    monkeypatch.delenv("MGSCREEN_DEBUG", raising=False)
    monkeypatch.setattr(sys, "warnoptions", ["default"])  # leave the warning filters to pytest
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Result(left.value.code, captured.out, captured.err)

    return call


class Rows(Document):
    """A document that gives the rows that it was made with."""

    rows: list[PropertyValue] = Field(default_factory=list)

    def properties(self):
        return self.rows


def potential(side, value):
    return PropertyValue(
        property=f"{side}_potential_vertical",
        value=value,
        unit="V",
        environment="C-PCM eps=7.2",
        reference="Mg2+/Mg (SHE 4.44 V)",
    )


# B3LYP at GFN2-xTB geometries: potentials with 6-31+G(d) in C-PCM (dielectric constant 7.2),
# levels with 6-31G(d) in the gas phase
VALUES = [
    ("TFSI", "ion", REDOX, [potential("oxidation", 5.73), potential("reduction", -2.18)]),
    ("TFSI", "contact-ion-pair", REDOX, [potential("reduction", 1.11)]),
    ("PFTB", "ion", REDOX, [potential("oxidation", 4.41)]),
    ("DME", "molecule", REDOX, [potential("oxidation", 5.19), potential("reduction", -2.28)]),
    (
        "TFSI",
        "ion",
        LEVELS,
        [
            PropertyValue(property="homo", value=-3.56, unit="eV"),
            PropertyValue(property="lumo", value=4.84, text="unbound", unit="eV"),
        ],
    ),
    (
        "PFTB",
        "contact-ion-pair",
        LEVELS,
        [PropertyValue(property="homo", unit="eV", state="failed", reason="SCF: [no] convergence")],
    ),
]


def candidate(name, charge, *, is_host=False):
    return SimpleNamespace(
        name=name,
        description=f"about {name}",
        smiles="C",
        formula="CH4",
        charge=charge,
        multiplicity=1,
        kind="solvent" if is_host else "anion",
        role_hypothesis="",
        why="",
        source="",
        is_host=is_host,
    )


def write_results(path):
    """Write a campaign with results of two salts and their solvent; return the path."""
    database = Database(path)
    campaign = Campaign.model_validate(tomllib.loads(CAMPAIGN))
    candidates = [candidate("TFSI", -1), candidate("PFTB", -1), candidate("DME", 0, is_host=True)]
    number = database.register_campaign(campaign, CAMPAIGN, "two-salts.toml", candidates)
    refs = []
    for n, (name, form, level, _) in enumerate(VALUES):
        kind = "redox_vertical" if level == REDOX else "orbitals"
        refs.append(
            JobRef(
                uuid=f"job-{n}",
                name=f"{kind} {name} {form}",
                kind=kind,
                candidate=name,
                form=form,
                species=f"{name} {form}",
                level=level,
                geometry_level="xtb:gfn2",
            )
        )
    fields = ("uuid", "name", "kind", "candidate", "form", "species", "level")
    database.add_jobs(number, [{f: getattr(ref, f) for f in fields} for ref in refs])
    for n, (ref, (*_, values)) in enumerate(zip(refs, VALUES, strict=True)):
        failed = values[0].state == "failed"
        document = Rows(
            kind=ref.kind,
            level=ref.level,
            code="pyscf",
            input_hash=f"{n:032d}",
            rows=values,
            state="failed" if failed else "completed",
            reason=values[0].reason,
        )
        database.record(ref, document, None, "FAILED" if failed else "COMPLETED", wall_s=1.5)
    database.close()
    return path


@pytest.fixture
def results(tmp_path):
    """A database where the verbs look for it: results/two-salts/mgscreen.db."""
    return write_results(tmp_path / "results" / "two-salts" / "mgscreen.db")
