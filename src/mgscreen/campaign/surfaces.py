"""The section ``[surfaces]`` of a campaign."""

from __future__ import annotations

from mgscreen.campaign.base import Table


class Surfaces(Table):
    """Adsorption of fragments on slabs."""
