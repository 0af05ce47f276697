"""Following the chain from each additive of a campaign to its film; see ``ranking.chain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgscreen.campaign.criteria import CriterionSpec
from mgscreen.ranking.calibration import of_potentials
from mgscreen.ranking.chain import NOT_ASKED, FilmChain, FragmentChain, sentence
from mgscreen.ranking.coatings import CoatingValue, gather
from mgscreen.ranking.films import ADSORPTION, Hulls, Link, combined, link, phase_links, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.campaign.models import Campaign
    from mgscreen.database.database import Database
    from mgscreen.ranking.evidence import Evidence
    from mgscreen.ranking.fragments import RankedFragment

_ANY_BINDING = CriterionSpec(property=ADSORPTION, worst=0.0, best=-1.0, weight=0.0)
"""The inner layer is chosen by adsorption energies even where no criterion is about them."""


def film_chains(database: Database, campaign: int, evidence: Evidence) -> dict[str, FilmChain]:
    """Follow the chain of each candidate of a campaign that is no part of the host.

    Parameters
    ----------
    database, campaign
        Where the results are.
    evidence
        What was computed of the molecules.
    """
    options = evidence.campaign
    names = [name for name in evidence.charges if name not in evidence.host]
    if options.stability is None or options.migration is None:
        return {
            name: FilmChain(candidate=name, asked=False, low=1.0, high=1.0, reason=NOT_ASKED)
            for name in names
        }
    return _Chains(database, campaign, evidence).all(names)


class _Chains:
    def __init__(self, database: Database, campaign: int, evidence: Evidence) -> None:
        self.evidence = evidence
        self.options: Campaign = evidence.campaign
        self.metal = self.options.anode.metal
        self.specs: Sequence[CriterionSpec] = [
            spec
            for spec in self.options.ranking.film
            if spec.property != ADSORPTION or self.options.surfaces is not None
        ]
        self.hulls = Hulls(database, campaign)
        self.phases = gather(database, campaign)
        self.bound = _bound(database, campaign, self.options)
        self.adsorbed = _calculations(database, campaign)
        self.reactions = _reactions(database, campaign)
        self.off = of_potentials(
            ADSORPTION, {row.fragment: row.by_level for row in self.bound.values()}, "eV"
        )
        self._known: dict[str, FragmentChain] = {}

    def all(self, names: Sequence[str]) -> dict[str, FilmChain]:
        return {name: self.of(name) for name in names}

    def of(self, name: str) -> FilmChain:
        pieces, source, why, hashes = self._pieces(name)
        products, equation, reaction = self.reactions.get(name, ((), "", ()))
        chains = [self._fragment(piece) for piece in pieces]
        if products:
            chains = self._with_reaction(chains, products, equation, reaction)
        if self.options.surfaces is None:
            source = f"{source}; how strongly they bind is not part of this campaign"
        if not chains:
            return FilmChain(
                candidate=name, source=source, reason=why, calculations=hashes, low=0.0, high=1.0
            )
        chains, caveats = _decide(chains)
        first = next((c for c in chains if c.decides), None)
        low = first.low if first else min(c.low for c in chains)
        high = first.high if first else max(c.high for c in chains)
        return FilmChain(
            candidate=name,
            low=low,
            high=high,
            source=source,
            fragments=tuple(chains),
            reason=sentence(chains, first, low, high),
            caveats=tuple(caveats),
            calculations=(*hashes, *reaction),
        )

    def _pieces(self, name: str) -> tuple[list[str], str, str, tuple[str, ...]]:
        """Return formulas, where they are from, why there are none, and the calculations."""
        offer = self.evidence.offer(name, "reduction")
        if offer.missing:
            return [], "", f"its fragments are not known: {offer.missing}", ()
        row = self.evidence.get(name, offer.form, "reduction_fragments")
        if row is None or not row.text:
            why = "its fragments are not known: no adiabatic reduction that says what breaks"
            return [], "", why, ()
        pieces = [p for p in row.text.split(" + ") if p != self.metal]
        broken = offer.bonds is not None and offer.bonds.text not in {None, "", "none"}
        hashes = (row.calculation,)
        if broken and offer.bonds is not None:
            return pieces, f"{row.species}: {offer.bonds.text} breaks on reduction", "", hashes
        single = [p for p in pieces if _atoms(p) == 1]
        if single:
            return single, f"{row.species}: an ion of one atom is its own fragment", "", hashes
        why = (
            f"its fragments are not known: no bond of {row.species} breaks when the reduced state "
            "is relaxed (a minimisation stops at a barrier that a reaction may cross)"
        )
        return [], "", why, hashes

    def _fragment(self, piece: str) -> FragmentChain:
        if piece not in self._known:
            made = self.hulls.products(piece, self.metal)
            reason = made.reason
            if not made.phases and not reason:
                reason = "nothing solid forms of it"
            self._known[piece] = self._judged(
                FragmentChain(
                    fragment=piece,
                    products=made.phases,
                    gases=made.gases,
                    products_by=f"hull, {made.level}" if made.phases else "",
                    reason=reason,
                    calculations=made.calculations,
                )
            )
        return self._known[piece]

    def _judged(self, chain: FragmentChain) -> FragmentChain:
        alone = [
            one
            for phase in chain.products
            for one in phase_links(phase, self.phases, self.specs, self.metal)
        ]
        declared = next((s for s in self.specs if s.property == ADSORPTION), _ANY_BINDING)
        bound = self._adsorbed(declared, chain.fragment)
        links, low, high = [], 1.0, 1.0
        for spec in self.specs:
            if spec.property == ADSORPTION:
                one = bound
            else:
                same = [x for x in alone if x.name == spec.property]
                if same:
                    one = combined(spec.property, same)
                else:
                    one = unknown(spec, "", f"no product: {chain.reason}")
            links.append(one)
            low *= one.low**spec.weight
            high *= one.high**spec.weight
        if not chain.products and chain.gases:
            low = high = 0.0  # a gas is no film
        return chain.model_copy(
            update={
                "adsorption": bound,
                "links": tuple(links),
                "phases": tuple(alone),
                "low": low,
                "high": high,
            }
        )

    def _adsorbed(self, spec: CriterionSpec, piece: str) -> Link:
        row, note = self.bound.get(_key(piece)), ""
        if row is None:
            return unknown(spec, piece, f"adsorption of {piece} on {self.metal} was not computed")
        energy, unit = row.energy_ev, "eV"
        if energy is None and row.dissociation_ev is not None:
            energy = row.dissociation_ev
            note = f"it falls apart on the surface into {row.products}: the gain of that"
        if energy is None:
            return unknown(spec, piece, f"no adsorption energy of {piece}: {row.reason}")
        sd = (row.spread_ev or 0.0) / 2.0
        if self.off is not None and all(m.startswith("mlip:") for m in row.by_level):
            sd = (sd**2 + self.off.rms**2) ** 0.5
        value = CoatingValue(
            property=ADSORPTION,
            value=energy,
            sd=sd or None,
            unit=unit,
            level=row.level,
            by_level=row.by_level,
            reference=row.reference,
            reason=note or f"on {row.slab}, {row.site}",
            calculations=self.adsorbed.get((row.fragment, row.slab), ()),
        )
        return link(spec, piece, value)

    def _with_reaction(
        self,
        chains: list[FragmentChain],
        products: tuple[str, ...],
        equation: str,
        hashes: tuple[str, ...],
    ) -> list[FragmentChain]:
        """Put what a computed reaction leaves beside what the hull says."""
        found, placed = [], False
        for chain in chains:
            told = chain
            if _elements(chain.fragment) <= {e for p in products for e in _elements(p)}:
                placed = True
                if set(products) == set(chain.products):
                    said = f"{chain.products_by}; the reaction {equation} leaves the same"
                    told = chain.model_copy(update={"products_by": said})
                elif not chain.products:
                    said = f"reaction {equation}"
                    told = self._judged(
                        chain.model_copy(
                            update={
                                "products": products,
                                "products_by": said,
                                "calculations": hashes,
                            }
                        )
                    )
                else:
                    said = f"the reaction {equation} leaves {' + '.join(products)} instead"
                    told = chain.model_copy(update={"reason": said})
            found.append(told)
        if not placed:
            made = FragmentChain(
                fragment=" + ".join(
                    sorted({e for p in products for e in _elements(p)} - {self.metal})
                ),
                products=products,
                products_by=f"reaction {equation}",
                calculations=hashes,
            )
            found.append(self._judged(made))
        return found


def _decide(chains: list[FragmentChain]) -> tuple[list[FragmentChain], list[str]]:
    """Mark the fragment of the inner layer: the one that binds most strongly."""
    energies = [None if c.adsorption is None else c.adsorption.value for c in chains]
    known = [(e, n) for n, e in enumerate(energies) if e is not None]
    caveats = []
    if known:
        place = min(known)[1]
        rest = [c.fragment for c, e in zip(chains, energies, strict=True) if e is None]
        if rest:
            caveats.append(
                f"{', '.join(rest)}: no adsorption energy; {chains[place].fragment} is taken for "
                "the inner layer among those that have one"
            )
    elif len(chains) == 1:
        place = 0
    else:
        caveats.append("no fragment has an adsorption energy: which forms the film is not known")
        return chains, caveats
    marked = [c.model_copy(update={"decides": n == place}) for n, c in enumerate(chains)]
    return marked, caveats


def _bound(
    database: Database, campaign: int, options: Campaign
) -> dict[tuple[tuple[str, float], ...], RankedFragment]:
    """Return what binds to the anode metal, by composition; the strongest of isomers."""
    from mgscreen.ranking.fragments import rank_fragments

    if options.surfaces is None:
        return {}
    formulas = {one.name: one for one in options.surfaces.inline}
    slabs = {s.label for s in options.surfaces.slabs if s.crystal == options.anode.metal}
    found: dict[tuple[tuple[str, float], ...], RankedFragment] = {}
    for row in rank_fragments(database, campaign):
        if row.slab not in slabs:
            continue
        inline = formulas.get(row.fragment)
        key = _key(_formula(row.fragment, inline.smiles if inline is not None else ""))
        if key and _better(row, found.get(key)):
            found[key] = row
    return found


def _calculations(database: Database, campaign: int) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the identities of the adsorption calculations, by fragment and slab."""
    from mgscreen.ranking.fragments import PROPERTY

    names = [*PROPERTY.values(), "dissociation_energy"]
    frame = database.frame_properties(campaign=campaign, property=names, state="completed")
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in frame.to_dict("records"):
        key = (str(row["candidate"]), str(row["form"]))
        found[key] = tuple(dict.fromkeys((*found.get(key, ()), str(row["calculation"]))))
    return found


def _better(row: RankedFragment, other: RankedFragment | None) -> bool:
    return other is None or (row.energy_ev or 0.0) < (other.energy_ev or 0.0)


def _formula(name: str, smiles: str) -> str:
    """Return the formula of a fragment of the library, of a user's, or of a broken molecule."""
    from mgscreen.structures.fragments import ALIASES, FRAGMENTS

    source = FRAGMENTS.get(ALIASES.get(name, name))
    text = smiles or (source.smiles if source is not None else "")
    if not text:
        return name.split("-", 1)[0]
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    from mgscreen.candidates.model import read_smiles

    return str(CalcMolFormula(read_smiles(text))).rstrip("+-")


def _key(formula: str) -> tuple[tuple[str, float], ...]:
    from pymatgen.core import Composition

    try:
        counted = Composition(formula).get_el_amt_dict()
    except ValueError:
        return ()
    return tuple(sorted(counted.items()))


def _elements(formula: str) -> set[str]:
    return {element for element, _ in _key(formula)}


def _atoms(formula: str) -> float:
    return sum(n for _, n in _key(formula))


def _reactions(
    database: Database, campaign: int
) -> dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]]:
    """Return the product phases of reactions of candidates: phases, equation, calculations."""
    frame = database.frame_properties(campaign=campaign, property="product_phase")
    rows = frame[(frame["state"] == "completed") & frame["text"].notna()]
    return {
        str(r["candidate"]): (
            tuple(str(r["text"]).split(", ")),
            str(r["reference"]),
            (str(r["calculation"]),),
        )
        for r in rows.to_dict("records")
    }
