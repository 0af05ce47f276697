"""A campaign without jobs, for tests that bring their own."""

from __future__ import annotations


def make_campaign(database, name="test"):
    from mgscreen.campaign.models import Campaign

    campaign = Campaign.model_validate({"name": name, "candidates": {"library": ["TFSI"]}})
    return database.register_campaign(campaign, "", "", [])
