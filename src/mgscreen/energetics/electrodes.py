"""Metal electrodes: standard potentials, work functions, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass

from mgscreen.core.errors import InputError

_AMALGAM = "Adv. Mater. 2020, 10.1002/adma.202004798, table of anode metals"
_CRC = "CRC Handbook of Chemistry and Physics, electrochemical series"
_MICHAELSON = "H. B. Michaelson, J. Appl. Phys. 48, 4729 (1977), polycrystal"


@dataclass(frozen=True)
class Electrode:
    """A metal electrode in contact with its ion.

    Attributes
    ----------
    metal
        Element symbol.
    charge
        Charge of the ion, e.
    potential_vs_she
        Standard potential against the SHE, V.
    source
        Where ``potential_vs_she`` comes from.
    work_function
        Work function of the polycrystalline metal, eV; None where no single value can be stood by.
    work_function_source
        Where it comes from, or why there is none.
    other_values
        Values (V) that a source gives under the same name and that are not used, with the reason.
    """

    metal: str
    charge: int
    potential_vs_she: float
    source: str
    work_function: float | None
    work_function_source: str
    other_values: tuple[tuple[float, str], ...] = ()

    @property
    def couple(self) -> str:
        """The redox couple as people write it: ``Mg2+/Mg``."""
        n = str(self.charge) if self.charge > 1 else ""
        return f"{self.metal}{n}+/{self.metal}"


ELECTRODES: dict[str, Electrode] = {
    e.metal: e
    for e in (
        Electrode("Mg", 2, -2.372, f"{_AMALGAM}; {_CRC}", 3.66, _MICHAELSON),
        Electrode("Li", 1, -3.04, _AMALGAM, 2.9, _MICHAELSON),
        Electrode(
            "Na",
            1,
            -2.71,
            _AMALGAM,
            None,
            "the compilations disagree (2.36 and 2.75 eV), so none is used",
        ),
        Electrode("K", 1, -2.93, _AMALGAM, 2.30, _MICHAELSON),
        Electrode("Ca", 2, -2.868, _CRC, 2.87, _MICHAELSON),
        Electrode(
            "Zn",
            2,
            -0.7618,
            f"{_AMALGAM}; {_CRC}",
            None,
            "values between 3.6 and 4.9 eV are reported, so none is used",
        ),
        Electrode(
            "Al",
            3,
            -1.66,
            _CRC,
            4.28,
            _MICHAELSON,
            other_values=(
                (
                    -2.069,
                    f"{_AMALGAM}: not Al3+/Al, it equals the standard potential of AlF6(3-)/Al",
                ),
            ),
        ),
    )
}


def electrode(metal: str) -> Electrode:
    """Return the electrode of a metal.

    Raises
    ------
    InputError
        If the metal is not tabulated.
    """
    try:
        return ELECTRODES[metal]
    except KeyError:
        known = ", ".join(ELECTRODES)
        raise InputError(
            f"there is no electrode potential for '{metal}' (known: {known})"
        ) from None
