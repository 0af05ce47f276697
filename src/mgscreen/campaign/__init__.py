"""The declarative input of a campaign: TOML, checked, with errors that name file and line."""

from mgscreen.campaign.models import Campaign

__all__ = ["Campaign"]
