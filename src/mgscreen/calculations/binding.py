"""Binding energy of a complex against the ions and molecules it is made of."""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.orbitals import OrbitalsDocument
from mgscreen.calculations.steps import absent, value
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError


class BindingDocument(Document):
    """E(complex) - sum of n E(part), eV: negative when bound.

    Electronic energies, every part at its own geometry, so that the deformation energy is
    included; no thermal and no counterpoise correction.
    """

    binding_energy_ev: float | None = Field(default=None, description="negative when bound")
    parts: dict[str, int] = Field(default_factory=dict, description="label of a part, its count")
    reference: str = Field(default="", description="what the energy is taken against")

    def properties(self) -> list[PropertyValue]:
        """Return the binding energy with its reference."""
        if self.state == "failed":
            return absent(["binding_energy"], self.reason, self.level, self.reference)
        return [
            value("binding_energy", self.binding_energy_ev, self.level, reference=self.reference)
        ]


@calculation("binding", BindingDocument)
def binding_energy(
    complex: OrbitalsDocument,  # noqa: A002 - the chemical word, part of the public signature
    parts: list[OrbitalsDocument],
    counts: list[int],
) -> BindingDocument:
    """Return the binding energy of a complex.

    Parameters
    ----------
    complex
        Single point of the complex.
    parts
        Single points of its distinct ions and molecules, each at its own geometry.
    counts
        How often each part occurs in the complex.

    Raises
    ------
    ScientificFailureError
        Inside the frame, so that the document is a failed one: if a single point failed, if levels
        or settings differ, or if elements or charges do not balance.
    """
    whole = OrbitalsDocument.model_validate(complex)
    pieces = [OrbitalsDocument.model_validate(part) for part in parts]
    if len(pieces) != len(counts) or not pieces or any(n < 1 for n in counts):
        raise ScientificFailureError(f"{len(pieces)} parts do not go with the counts {counts}")
    names = [_label(part, i) for i, part in enumerate(pieces)]
    energy = _energy(whole, "the complex")
    for part, name, n in zip(pieces, names, counts, strict=True):
        energy -= n * _energy(part, name)
    _check_same_method(whole, pieces, names)
    _check_balance(whole, pieces, counts)
    terms = " + ".join(
        f"{n} {name}" if n > 1 else name for name, n in zip(names, counts, strict=True)
    )
    return BindingDocument(
        level=whole.level,
        code=whole.code,
        code_version=whole.code_version,
        settings=whole.settings,
        structure=whole.structure,
        binding_energy_ev=energy,
        parts=dict(zip(names, counts, strict=True)),
        reference=f"separate {terms}, each relaxed",
        converged={"scf": True},
        warnings=[] if energy < 0 else ["the complex is not bound at this level"],
    )


def _label(part: OrbitalsDocument, index: int) -> str:
    structure = part.structure
    if structure is None:
        return f"part {index + 1}"
    return structure.label or f"{structure.formula}({structure.charge:+d})"


def _energy(document: OrbitalsDocument, name: str) -> float:
    if document.state == "failed" or document.total_energy_ev is None:
        raise ScientificFailureError(
            f"the single point of {name} failed: {document.reason or 'no energy'}"
        )
    return document.total_energy_ev


def _check_same_method(
    whole: OrbitalsDocument, pieces: list[OrbitalsDocument], names: list[str]
) -> None:
    for part, name in zip(pieces, names, strict=True):
        if part.level != whole.level or part.code_version != whole.code_version:
            raise ScientificFailureError(
                f"{name} is at {part.level} ({part.code_version}), the complex at {whole.level} "
                f"({whole.code_version}): their energies cannot be subtracted"
            )
        if part.settings != whole.settings:
            keys = sorted(
                k
                for k in {*part.settings, *whole.settings}
                if part.settings.get(k) != whole.settings.get(k)
            )
            raise ScientificFailureError(
                f"{name} and the complex differ in the settings {', '.join(keys)}: their energies "
                "cannot be subtracted"
            )


def _check_balance(
    whole: OrbitalsDocument, pieces: list[OrbitalsDocument], counts: list[int]
) -> None:
    atoms: Counter[str] = Counter()
    charge = 0
    for part, n in zip(pieces, counts, strict=True):
        if part.structure is None or whole.structure is None:
            raise ScientificFailureError("a single point without a structure cannot be balanced")
        for symbol, k in Counter(part.structure.symbols).items():
            atoms[symbol] += n * k
        charge += n * part.structure.charge
    if whole.structure is None:
        raise ScientificFailureError("a single point without a structure cannot be balanced")
    if atoms != Counter(whole.structure.symbols):
        raise ScientificFailureError(
            f"the parts hold {dict(sorted(atoms.items()))}, the complex {whole.structure.formula}: "
            "elements do not balance"
        )
    if charge != whole.structure.charge:
        raise ScientificFailureError(
            f"the parts carry {charge:+d} e, the complex {whole.structure.charge:+d}: charges do "
            "not balance"
        )
