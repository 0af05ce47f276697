"""Schema, the jobflow store on SQL, queries, export, reference values."""
