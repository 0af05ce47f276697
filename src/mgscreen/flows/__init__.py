"""jobflow Makers that wire calculations into DAGs."""
