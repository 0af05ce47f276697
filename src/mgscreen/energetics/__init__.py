"""Energy scales and potential conversions, in one place."""
