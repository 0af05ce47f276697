"""Conversions between the atomic units of the engines and eV, angstrom (CODATA 2014, as in ASE)."""

from __future__ import annotations

HARTREE_EV = 27.211386024367243
BOHR_A = 0.5291772105638411
FORCE_EV_A = HARTREE_EV / BOHR_A
"""1 hartree/bohr in eV/angstrom"""
ATOMIC_MASS_ME = 1822.8884861185961
"""1 u in electron masses"""
HARTREE_CM1 = 219474.6313702
"""1 hartree in cm-1"""
