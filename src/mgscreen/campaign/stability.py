"""The section ``[stability]`` of a campaign."""

from __future__ import annotations

from mgscreen.campaign.base import Table


class Stability(Table):
    """Stability of phases, alloys, cathodes and interphase reactions."""
