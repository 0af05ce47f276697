"""Results for other tools: tables, ASE databases, OPTIMADE, RO-Crates."""
