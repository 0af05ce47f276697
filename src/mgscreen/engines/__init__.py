"""Levels of theory, one file each; a name such as ``pyscf:b3lyp/6-31g(d)`` resolves only here."""
