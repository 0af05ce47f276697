"""From species to atoms: conformers, Mg complexes, bond graphs."""
