"""The section ``[migration]`` of a campaign."""

from __future__ import annotations

from mgscreen.campaign.base import Table


class Migration(Table):
    """Migration barriers in crystals."""
