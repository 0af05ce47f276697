"""The name of a level of theory, read and written in one place.

Grammar::

    engine:method[-dispersion][/basis][/cpcm(eps)]

    xtb:gfn2
    xtb:gfn2/alpb(acetone)
    pyscf:b3lyp/6-31g(d)
    pyscf:b3lyp-d3bj/6-31+g(d)/cpcm(7.2)
    mlip:chgnet, mlip:7net-l3i5-d3bj
    gpaw:pbe, gpaw:pbe-d3bj, vasp:pbe

``gaussian`` and ``vasp`` are not run: they are what imported results are kept under.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.errors import InputError

Dispersion = Literal["", "d3bj", "d4"]
ENGINES = ("xtb", "pyscf", "mlip", "gpaw", "vasp", "gaussian")
PERIODIC = ("mlip", "gpaw", "vasp")
"""engines for crystals and slabs: no basis set and no continuum in their names"""


class Level(BaseModel):
    """A level of theory: everything about the method that can change a value.

    ``settings`` are the engine's own options (grid, density fitting, convergence); each engine
    documents and checks its keys, and fills in its defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    method: str
    basis: str = ""
    dispersion: Dispersion = ""
    solvent: str = Field(default="", description="'', 'cpcm' (PySCF) or 'alpb' (xtb)")
    dielectric: float | None = Field(default=None, gt=1.0, description="dielectric constant")
    settings: dict[str, Any] = Field(default_factory=dict)

    def __str__(self) -> str:
        text = f"{self.engine}:{self.method}"
        if self.dispersion:
            text += f"-{self.dispersion}"
        if self.basis:
            text += f"/{self.basis}"
        if self.solvent:
            text += f"/{self.solvent}({self.dielectric:g})"
        return text

    @property
    def environment(self) -> str:
        """How a property row names the surroundings: ``gas`` or ``C-PCM eps=7.2``."""
        if not self.solvent:
            return "gas"
        name = {"cpcm": "C-PCM", "alpb": "ALPB"}[self.solvent]
        return f"{name} eps={self.dielectric:g}"

    def in_solvent(self, dielectric: float) -> Level:
        """Return this level in a continuum of the given dielectric constant."""
        solvent = "alpb" if self.engine == "xtb" else "cpcm"
        return self.model_copy(update={"solvent": solvent, "dielectric": dielectric})

    def in_gas(self) -> Level:
        """Return this level without a solvent."""
        return self.model_copy(update={"solvent": "", "dielectric": None})

    @classmethod
    def parse(  # noqa: C901, PLR0912 - a grammar
        cls, text: str, settings: dict[str, Any] | None = None
    ) -> Level:
        """Read a level's name.

        Raises
        ------
        InputError
            With what was expected, if ``text`` is not of the grammar.
        """
        expected = "expected engine:method[-dispersion][/basis][/cpcm(eps)]"
        example = "for example 'pyscf:b3lyp/6-31g(d)'"
        match = re.fullmatch(r"([a-z][a-z0-9]*):([^/]+)((?:/[^/]+)*)", text.strip().lower())
        if match is None:
            raise InputError(f"'{text}' is no level of theory: {expected}, {example}")
        engine, method, rest = match.groups()
        if engine not in ENGINES:
            known = ", ".join(ENGINES)
            raise InputError(f"'{text}': there is no engine '{engine}' (known: {known})")
        dispersion: Dispersion = ""
        if method.endswith("-d3bj"):
            method, dispersion = method[:-5], "d3bj"
        elif method.endswith("-d4"):
            method, dispersion = method[:-3], "d4"
        basis, solvent, dielectric = "", "", None
        for part in [p for p in rest.split("/") if p]:
            continuum = re.fullmatch(r"(cpcm|alpb)\(([0-9.]+)\)", part)
            if continuum:
                solvent = continuum.group(1)
                try:
                    dielectric = float(continuum.group(2))
                except ValueError:
                    raise InputError(f"'{text}': {part} needs a dielectric constant") from None
                if dielectric <= 1.0:
                    raise InputError(f"'{text}': a dielectric constant is above 1")
            elif not basis:
                basis = part
            else:
                raise InputError(f"'{text}': '{part}' is one part too many: {expected}")
        if engine == "pyscf" and not basis:
            raise InputError(f"'{text}' has no basis set: {expected}, {example}")
        if engine in PERIODIC and (basis or solvent):
            raise InputError(
                f"'{text}': {engine} takes neither a basis nor a solvent, for example 'gpaw:pbe'"
            )
        if engine in PERIODIC and dispersion == "d4":
            raise InputError(f"'{text}': {engine} has D3(BJ) alone, written -d3bj")
        if engine == "xtb" and (basis or dispersion):
            raise InputError(f"'{text}': GFN2-xTB has its own basis and dispersion")
        if (engine == "xtb" and solvent == "cpcm") or (engine == "pyscf" and solvent == "alpb"):
            raise InputError(
                f"'{text}': {engine} has no {solvent}; it is alpb for xtb, cpcm for pyscf"
            )
        return cls(
            engine=engine,
            method=method,
            basis=basis,
            dispersion=dispersion,
            solvent=solvent,
            dielectric=dielectric,
            settings=settings or {},
        )
