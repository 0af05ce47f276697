"""Hopping rates and an estimate of the diffusivity from a barrier."""

from __future__ import annotations

import math

BOLTZMANN_EV = 8.617333262e-5
"""eV/K, CODATA 2018."""
ATTEMPT_HZ = 1e13
"""Attempt frequency that is assumed where none was computed: of the order of an optical phonon."""


def hopping_rate(
    barrier_ev: float, temperature_k: float = 298.15, attempt_hz: float = ATTEMPT_HZ
) -> float:
    """Return how often one defect hops, per second, by harmonic transition state theory.

    ``Gamma = nu exp(-E / kT)`` with an assumed attempt frequency: G. H. Vineyard, J. Phys. Chem.
    Solids 3, 121 (1957).

    Parameters
    ----------
    barrier_ev
        Energy barrier, eV.
    temperature_k
        Temperature, K.
    attempt_hz
        Attempt frequency, 1/s.

    Raises
    ------
    ValueError
        If the temperature or the frequency is not positive.
    """
    if temperature_k <= 0 or attempt_hz <= 0:
        msg = "a rate needs a positive temperature and attempt frequency"
        raise ValueError(msg)
    return attempt_hz * math.exp(-barrier_ev / (BOLTZMANN_EV * temperature_k))


def diffusivity(
    barrier_ev: float,
    distance_a: float,
    dimension: int,
    neighbours: int,
    temperature_k: float = 298.15,
    attempt_hz: float = ATTEMPT_HZ,
) -> float:
    """Return the diffusivity of one defect, cm^2/s: ``D = z a^2 Gamma / (2 d)``.

    An uncorrelated random walk of one kind of hop (H. Mehrer, Diffusion in Solids, Springer 2007,
    chapter 4). That of the element is this times the fraction of its sites that are defects, which
    a barrier does not give.

    Parameters
    ----------
    barrier_ev
        Energy barrier, eV.
    distance_a
        Length of a hop, angstrom.
    dimension
        In how many dimensions the network goes on, 1 to 3.
    neighbours
        Hops that leave one site.
    temperature_k, attempt_hz
        See ``hopping_rate``.

    Raises
    ------
    ValueError
        If the network does not percolate, or a number is not positive.
    """
    if dimension not in {1, 2, 3} or neighbours < 1 or distance_a <= 0:
        msg = "a diffusivity needs a percolating network of hops"
        raise ValueError(msg)
    rate = hopping_rate(barrier_ev, temperature_k, attempt_hz)
    return neighbours * (distance_a * 1e-8) ** 2 * rate / (2 * dimension)
