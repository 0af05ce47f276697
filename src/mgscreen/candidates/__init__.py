"""The library of molecules and ions, user files, and the species forms built from them."""
