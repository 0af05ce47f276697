"""Levels of theory, one file each; a name such as ``pyscf:b3lyp/6-31g(d)`` resolves only here."""

from mgscreen.engines import blas

blas.choose()  # before PySCF loads its OpenBLAS
