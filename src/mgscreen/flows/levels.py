"""Levels of theory of a campaign: the preset, with what the campaign overrides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgscreen.engines.level import Level
from mgscreen.engines.presets import preset

if TYPE_CHECKING:
    from mgscreen.campaign.models import Campaign

STEPS = ("conformers", "geometry", "electronic", "redox")


def campaign_levels(campaign: Campaign) -> dict[str, Level]:
    """Return the level of each step.

    A redox level without a solvent is put into the host's continuum: a potential is a property of
    a solution. Settings of an engine given in the campaign are added to those of the preset.
    """
    levels = dict(preset(campaign.levels.preset))
    for step in STEPS:
        text = getattr(campaign.levels, step)
        if text is not None:
            levels[step] = Level.parse(text, settings=dict(levels[step].settings))
            if Level.parse(text).engine != preset(campaign.levels.preset)[step].engine:
                levels[step] = Level.parse(text)
    redox = levels["redox"]
    stated = campaign.levels.redox is not None and Level.parse(campaign.levels.redox).solvent
    if not stated:
        levels["redox"] = redox.in_solvent(campaign.host.dielectric)
    return {
        step: level.model_copy(
            update={
                "settings": {**level.settings, **campaign.levels.settings.get(level.engine, {})}
            }
        )
        for step, level in levels.items()
    }
