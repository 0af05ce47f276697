"""From a campaign to its candidates and every species that is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mgscreen.campaign.faults import did_you_mean
from mgscreen.candidates.files import load_placed
from mgscreen.candidates.forms import make_complex, make_species, metal_species
from mgscreen.candidates.formulas import METAL_CHARGES
from mgscreen.candidates.library import load_library
from mgscreen.candidates.model import Candidate, ChemistryError, check_chemistry
from mgscreen.core.errors import InputError, Location

if TYPE_CHECKING:
    from mgscreen.campaign.models import Campaign
    from mgscreen.campaign.sourcemap import SourceMap
    from mgscreen.core.species import Form, Species


@dataclass(frozen=True)
class Resolved:
    """What a campaign computes.

    Attributes
    ----------
    candidates
        Screened candidates first, then the members of the host (``is_host``), the ion of the
        anode metal among them where it is computed. A screened member of the host stands once.
    species
        The metal ion, the host's species, then those of each candidate.
    """

    candidates: tuple[Candidate, ...]
    species: tuple[Species, ...]


def resolve(
    campaign: Campaign, *, source: SourceMap | None = None, base: Path | None = None
) -> Resolved:
    """Find every candidate of a campaign and list the species to compute.

    Parameters
    ----------
    campaign
        The campaign.
    source
        Lines of its text, for errors.
    base
        Folder that candidate files are relative to; the current one by default.

    Raises
    ------
    InputError
        With the place, if a name, a molecule or a form is wrong.
    """
    if not campaign.has_molecules:
        # solids alone: the host is a name then, and nothing of it is computed
        return Resolved((), ())
    return _Resolver(campaign, source, base or Path()).resolve()


class _Resolver:
    def __init__(self, campaign: Campaign, source: SourceMap | None, base: Path) -> None:
        self.campaign = campaign
        self.source = source
        self.base = base
        self.library = load_library()
        self.own: dict[str, Candidate] = {}
        self.screened: dict[str, Candidate] = {}
        self.host: dict[str, Candidate] = {}
        self.species: list[Species] = []

    def resolve(self) -> Resolved:
        self._own_candidates()
        self._listed()
        self._check_forms_of()
        solvent = self._host_members()
        for candidate in self.screened.values():
            self._forms(candidate, solvent)
        self._metal_ion()
        # a screened member of the host stands once
        found = {n: self.host.get(n, c) for n, c in self.screened.items()} | self.host
        return Resolved(tuple(found.values()), self._distinct())

    def _at(self, *path: str | int) -> Location:
        if self.source is not None:
            return self.source.locate(*path)
        from mgscreen.campaign.sourcemap import dotted

        return Location(self.campaign.name, None, dotted(path))

    def _own_candidates(self) -> None:
        given = self.campaign.candidates
        for n, name in enumerate(given.files):
            path = Path(name)
            try:
                placed = load_placed(path if path.is_absolute() else self.base / path)
            except InputError as error:
                if error.location is not None and error.location.line is not None:
                    raise
                raise InputError(str(error), self._at("candidates", "files", n)) from None
            for one, place in placed:
                self._add_own(one, place)
        for n, inline in enumerate(given.inline):
            here = ("candidates", "inline", n)
            set_fields = inline.model_fields_set
            try:
                formula, charge, multiplicity = check_chemistry(
                    inline.smiles,
                    inline.charge if "charge" in set_fields else None,
                    inline.multiplicity if "multiplicity" in set_fields else None,
                )
            except ChemistryError as error:
                raise InputError(str(error), self._at(*here, error.field)) from None
            one = Candidate(
                name=inline.name,
                description=inline.description,
                smiles=inline.smiles,
                charge=charge,
                multiplicity=multiplicity,
                formula=formula,
                kind="anion" if charge < 0 else "cation" if charge > 0 else "additive",
                source="given in the campaign",
            )
            self._add_own(one, self._at(*here, "name"))

    def _add_own(self, one: Candidate, place: Location) -> None:
        folded = one.name.casefold()
        for other in [*self.own, *self.campaign.candidates.library]:
            if self.campaign.candidates.library == "all" and other not in self.own:
                continue
            if other.casefold() == folded:
                raise InputError(f"the candidate '{one.name}' is given twice", place)
        for other, candidate in self.library.items():
            listed = self.campaign.candidates.library == "all"
            if other.casefold() == folded and (listed or not _same_molecule(one, candidate)):
                raise InputError(
                    f"'{other}' is a name of the built-in library: choose another for your own",
                    place,
                )
        self.own[one.name] = one
        self.screened[one.name] = one

    def _listed(self) -> None:
        listed = self.campaign.candidates.library
        if listed == "all":
            # the bare metal ions are references, not candidates
            found = {n: c for n, c in self.library.items() if c.kind != "metal"}
        else:
            found = {
                name: self._find(name, self._at("candidates", "library", n))
                for n, name in enumerate(listed)
            }
        self.screened = found | self.screened

    def _find(self, name: str, place: Location) -> Candidate:
        known = self.library | self.own
        found = known.get(name)
        if found is None:
            hint = did_you_mean(name, known)
            raise InputError(f"there is no candidate '{name}' ({hint})", place)
        return found

    def _check_forms_of(self) -> None:
        given = self.campaign.candidates
        for name in given.forms_of:
            if name not in self.screened:
                hint = did_you_mean(name, self.screened, what="candidates of this campaign")
                raise InputError(
                    f"'{name}' is no candidate of this campaign ({hint})",
                    self._at("candidates", "forms_of", name),
                )
        molecules = self.campaign.molecules
        for field in ("redox_of", "esp_of"):
            names = getattr(molecules, field)
            for n, name in enumerate(() if names == "all" else names):
                if name not in self.screened and name not in self._host_names():
                    hint = did_you_mean(name, self.screened, what="candidates of this campaign")
                    raise InputError(
                        f"'{name}' is no candidate of this campaign ({hint})",
                        self._at("molecules", field, n),
                    )

    def _host_names(self) -> set[str]:
        host = self.campaign.host
        return {host.solvent, *host.salts}

    def _host_members(self) -> Candidate:
        host, metal = self.campaign.host, self.campaign.anode.metal
        solvent = self._find(host.solvent, self._at("host", "solvent"))
        if solvent.charge != 0:
            raise InputError(
                f"the solvent '{solvent.name}' has the charge {solvent.charge:+d}: expected a "
                "neutral molecule",
                self._at("host", "solvent"),
            )
        members = [solvent]
        members += [
            self._find(name, self._at("host", "salts", n)) for n, name in enumerate(host.salts)
        ]
        for member in members:
            self.host[member.name] = member.model_copy(update={"is_host": True})
            form: Form = "molecule" if member.charge == 0 else "ion"
            self.species.append(make_species(member, form, metal, solvent))
        for n, formula in enumerate(host.complexes):
            self._complex(formula, self._at("host", "complexes", n))
        return solvent

    def _complex(self, formula: str, place: Location) -> None:
        if formula.casefold() in {name.casefold() for name in self.screened}:
            raise InputError(f"'{formula}' is also the name of a candidate", place)
        try:
            species = make_complex(formula, lambda name: self._find(name, place))
        except ValueError as error:
            raise InputError(str(error), place) from None
        self.species.append(species)
        from collections import Counter

        from mgscreen.candidates.model import hill, read_smiles

        count: Counter[str] = Counter()
        for part in species.components:
            for atom in read_smiles(part.smiles).GetAtoms():
                count[atom.GetSymbol()] += part.count
        self.host[formula] = Candidate(
            name=formula,
            description=f"cluster {species.label} of the host electrolyte",
            smiles=".".join(p.smiles for p in species.components for _ in range(p.count)),
            charge=species.charge,
            multiplicity=species.multiplicity,
            formula=hill(count),
            kind="complex",
            role_hypothesis="host",
            source="given in the campaign",
            is_host=True,
        )

    def _forms(self, candidate: Candidate, solvent: Candidate) -> None:
        given, metal = self.campaign.candidates, self.campaign.anode.metal
        charge = candidate.charge
        kind = "anion" if charge < 0 else "cation" if charge > 0 else "neutral"
        inline = next((i for i, c in enumerate(given.inline) if c.name == candidate.name), None)
        own = None if inline is None else given.inline[inline].forms
        where: tuple[str | int, ...]
        if candidate.name in given.forms_of:
            forms = given.forms_of[candidate.name]
            where = ("candidates", "forms_of", candidate.name)
        elif own is not None and inline is not None:
            forms, where = own, ("candidates", "inline", inline, "forms")
        else:
            # a class that the campaign leaves out keeps its own plain form
            plain: Form = "molecule" if kind == "neutral" else "ion"
            forms = given.forms.get(kind, (plain,))  # type: ignore[call-overload]
            where = ("candidates", "forms", kind)
        is_metal = (candidate.formula, charge) == (metal, METAL_CHARGES[metal])
        for n, form in enumerate(forms):
            wanted: Form = "metal-ion" if is_metal and form == "ion" else form
            try:
                self.species.append(make_species(candidate, wanted, metal, solvent))
            except ValueError as error:
                raise InputError(str(error), self._at(*where, n)) from None

    def _metal_ion(self) -> None:
        """Add the bare cation, which binding energies refer to."""
        metal = self.campaign.anode.metal
        wanted = "binding" in self.campaign.molecules.properties
        has = any(s.form == "metal-ion" for s in self.species)
        if not wanted or has or all(s.metal is None for s in self.species):
            return
        charge = METAL_CHARGES[metal]
        name = f"{metal}{charge if charge > 1 else ''}+"
        known = {c.casefold() for c in [*self.screened, *self.host]}
        while name.casefold() in known:
            name += "_ion"
        self.species.insert(0, metal_species(metal, name))
        self.host[name] = Candidate(
            name=name,
            description=f"bare {metal} cation, the reference of binding energies",
            smiles=self.species[0].components[0].smiles,
            charge=charge,
            formula=metal,
            kind="metal",
            role_hypothesis="reference",
            is_host=True,
        )

    def _distinct(self) -> tuple[Species, ...]:
        found: dict[tuple[str, str, str], Species] = {}
        for one in self.species:
            found.setdefault((one.candidate, one.form, one.label), one)
        return tuple(found.values())


def _same_molecule(one: Candidate, other: Candidate) -> bool:
    from rdkit.Chem import MolFromSmiles, MolToSmiles

    if (one.charge, one.multiplicity) != (other.charge, other.multiplicity):
        return False
    first, second = (MolToSmiles(MolFromSmiles(c.smiles)) for c in (one, other))
    return bool(first == second)
