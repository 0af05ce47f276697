"""The one representation of atoms that travels between rooms."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from ase import Atoms

Role = Literal["metal", "anion", "cation", "solvent", "molecule", "slab", "adsorbate", "host"]
"""What a group of atoms is in the system; spin and orbitals are reported per role."""


class Fragment(BaseModel):
    """A named group of atoms, for instance the anion of a contact ion pair."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    role: Role
    atoms: tuple[int, ...] = Field(description="zero-based atom indices")
    charge: int = Field(default=0, description="formal charge, e")


class AtomicStructure(BaseModel):
    """Atoms with everything that can change a calculated value.

    Positions and cell are in angstrom. Charge and multiplicity are always explicit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbols: tuple[str, ...]
    positions: tuple[tuple[float, float, float], ...] = Field(description="angstrom")
    charge: int = Field(default=0, description="total charge, e")
    multiplicity: int = Field(default=1, ge=1, description="2S+1")
    fragments: tuple[Fragment, ...] = ()
    cell: tuple[tuple[float, float, float], ...] | None = Field(
        default=None, description="angstrom, three rows"
    )
    pbc: tuple[bool, bool, bool] = (False, False, False)
    label: str = Field(default="", description="for people; does not enter the identity")

    @model_validator(mode="after")
    def _consistent(self) -> AtomicStructure:
        if len(self.symbols) != len(self.positions):
            msg = f"{len(self.symbols)} symbols but {len(self.positions)} positions"
            raise ValueError(msg)
        if self.cell is None:
            if any(self.pbc):
                msg = "a periodic structure needs a cell"
                raise ValueError(msg)
            self._check_spin()
        taken = [i for fragment in self.fragments for i in fragment.atoms]
        if len(taken) != len(set(taken)) or any(not 0 <= i < len(self.symbols) for i in taken):
            msg = "fragments overlap or name atoms that do not exist"
            raise ValueError(msg)
        return self

    def _check_spin(self) -> None:
        electrons = self.n_electrons
        if electrons < 0:
            msg = f"charge {self.charge:+d} leaves {electrons} electrons"
            raise ValueError(msg)
        if (electrons + self.multiplicity - 1) % 2 or self.multiplicity - 1 > electrons:
            msg = (
                f"multiplicity {self.multiplicity} is impossible with {electrons} electrons "
                f"(charge {self.charge:+d})"
            )
            raise ValueError(msg)

    @property
    def n_electrons(self) -> int:
        """Number of electrons, core electrons included."""
        from ase.data import atomic_numbers

        return sum(atomic_numbers[s] for s in self.symbols) - self.charge

    @property
    def formula(self) -> str:
        """Hill formula, without the charge."""
        count = Counter(self.symbols)
        order = [s for s in ("C", "H") if s in count] if "C" in count else []
        order += sorted(set(count) - set(order))
        return "".join(s + (str(count[s]) if count[s] > 1 else "") for s in order)

    def atoms_of(self, *roles: Role) -> tuple[int, ...]:
        """Return the indices of all atoms whose fragment has one of these roles, ascending."""
        return tuple(sorted(i for f in self.fragments if f.role in roles for i in f.atoms))

    def to_ase(self) -> Atoms:
        """Return an ASE ``Atoms`` with ``info["charge"]`` and ``info["multiplicity"]``."""
        from ase import Atoms

        atoms = Atoms(
            symbols=list(self.symbols), positions=self.positions, cell=self.cell, pbc=self.pbc
        )
        atoms.info.update(charge=self.charge, multiplicity=self.multiplicity, label=self.label)
        return atoms

    def with_positions(self, positions: object) -> AtomicStructure:
        """Return the same system at other positions, shape (n, 3), angstrom."""
        import numpy as np

        rows = np.asarray(positions, dtype=float).tolist()
        return AtomicStructure.model_validate({**self.model_dump(), "positions": rows})

    def with_state(self, charge: int, multiplicity: int) -> AtomicStructure:
        """Return the same atoms with another charge and multiplicity."""
        return AtomicStructure.model_validate(
            {**self.model_dump(), "charge": charge, "multiplicity": multiplicity}
        )

    def lowest_multiplicity(self, charge: int) -> int:
        """Return 1 or 2, whichever the number of electrons at ``charge`` allows."""
        return 1 + (self.n_electrons + self.charge - charge) % 2

    def to_xyz(self, comment: str = "") -> str:
        """Return the atoms as XYZ text (angstrom)."""
        rows = "\n".join(
            f"{s:<2s} {x:16.8f} {y:16.8f} {z:16.8f}"
            for s, (x, y, z) in zip(self.symbols, self.positions, strict=True)
        )
        return f"{len(self.symbols)}\n{comment}\n{rows}\n"

    @classmethod
    def from_ase(
        cls,
        atoms: Atoms,
        *,
        charge: int = 0,
        multiplicity: int = 1,
        fragments: tuple[Fragment, ...] = (),
        label: str = "",
    ) -> AtomicStructure:
        """Build from an ASE ``Atoms``; charge and multiplicity are stated, never guessed."""
        periodic = bool(atoms.pbc.any())
        return cls(
            symbols=tuple(str(s) for s in atoms.symbols),
            positions=tuple(tuple(float(x) for x in row) for row in atoms.positions),
            charge=charge,
            multiplicity=multiplicity,
            fragments=fragments,
            cell=tuple(tuple(float(x) for x in row) for row in atoms.cell[:]) if periodic else None,
            pbc=tuple(bool(p) for p in atoms.pbc),
            label=label,
        )
