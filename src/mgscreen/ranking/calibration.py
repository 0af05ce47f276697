"""How far one level of theory is from the next, where several systems have values of both.

Nothing is shifted by it: the root mean square difference, the common shift included, is one more
independent error of the lower level's values. It takes three systems at least; with fewer, there
is no calibration, and nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

ENOUGH = 3
"""Systems from which on a difference of two levels is taken for typical."""


class Calibration(BaseModel):
    """The difference of two levels in one property."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: str
    lower: str
    upper: str
    unit: str = ""
    rms: float = Field(description="root mean square of upper minus lower")
    shift: float = Field(description="mean of upper minus lower")
    systems: tuple[str, ...]

    @property
    def statement(self) -> str:
        """What it is, in one sentence."""
        return (
            f"{self.quantity.replace('_', ' ')}: {self.upper} differs from {self.lower} by "
            f"{self.rms:.2f} {self.unit} (root mean square over {len(self.systems)} systems, mean "
            f"{self.shift:+.2f}), which is counted as an error"
        )


def calibrate(
    name: str,
    lower: tuple[str, Mapping[str, float]],
    upper: tuple[str, Mapping[str, float]],
    unit: str = "",
) -> Calibration | None:
    """Compare two levels; None with fewer than three systems in common.

    Parameters
    ----------
    name
        The property.
    lower, upper
        Level and its value for each system.
    unit
        Of the values.
    """
    common = sorted(set(lower[1]) & set(upper[1]))
    if len(common) < ENOUGH:
        return None
    differences = [upper[1][s] - lower[1][s] for s in common]
    return Calibration(
        quantity=name,
        lower=lower[0],
        upper=upper[0],
        unit=unit,
        rms=(sum(d * d for d in differences) / len(differences)) ** 0.5,
        shift=sum(differences) / len(differences),
        systems=tuple(common),
    )


def of_potentials(
    name: str, by_level: Mapping[str, Mapping[str, float]], unit: str = ""
) -> Calibration | None:
    """Compare the mean over machine-learned potentials with DFT, system by system.

    Parameters
    ----------
    name
        The property.
    by_level
        For each system the values by level; those of potentials start with ``mlip:``.
    unit
        Of the values.
    """
    means: dict[str, float] = {}
    others: dict[str, float] = {}
    for system, values in by_level.items():
        learned = [v for m, v in values.items() if m.startswith("mlip:")]
        computed = [v for m, v in values.items() if not m.startswith("mlip:")]
        if learned and computed:
            means[system] = sum(learned) / len(learned)
            others[system] = sum(computed) / len(computed)
    return calibrate(name, ("the mean over potentials", means), ("DFT", others), unit)


def next_level(properties: pd.DataFrame, method: str) -> dict[str, Calibration]:
    """Compare redox potentials of one level with those of the next preset that has enough.

    Parameters
    ----------
    properties
        Rows of potentials, columns as ``Database.frame_properties``.
    method
        Level of the ranking, with its solvent.

    Returns
    -------
    dict
        By side, ``reduction`` and ``oxidation``; only those with enough species in common. Species
        of the same candidate, form and kind of potential are compared.
    """
    from mgscreen.engines.presets import PRESETS, preset

    solvent = method.rpartition("/cpcm(")[2]
    ladder = [f"{preset(p)['redox'].in_gas()}/cpcm({solvent}" for p in PRESETS]
    if method not in ladder:
        return {}
    good = properties[(properties["state"] == "completed") & properties["value"].notna()]
    base = good["method"].str.split("//", n=1).str[0]
    found: dict[str, Calibration] = {}
    for side in ("reduction", "oxidation"):
        here = good[good["property"].str.startswith(f"{side}_potential")]
        lower = _by_species(here[base.loc[here.index] == method])
        for upper in ladder[ladder.index(method) + 1 :]:
            name = f"{side}_potential"
            values = _by_species(here[base.loc[here.index] == upper])
            one = calibrate(name, (method, lower), (upper, values), "V")
            if one is not None:
                found[side] = one
                break
    return found


def _by_species(rows: pd.DataFrame) -> dict[str, float]:
    keys = zip(rows["candidate"], rows["form"], rows["property"], strict=True)
    return {" ".join(map(str, k)): float(v) for k, v in zip(keys, rows["value"], strict=True)}
