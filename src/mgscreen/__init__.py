"""Screen electrolyte additives and anode coatings for magnesium-metal batteries."""

__version__ = "0.1.0"
