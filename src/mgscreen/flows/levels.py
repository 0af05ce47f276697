"""Levels of theory of a campaign: the preset, with what the campaign overrides."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class SolidLevels:
    """Levels for crystals and slabs.

    Attributes
    ----------
    potentials
        Machine-learned potentials; the first is the one whose geometry others use.
    dft
        The level that decides.
    """

    potentials: tuple[Level, ...]
    dft: Level


def solid_levels(
    campaign: Campaign,
    *,
    potentials: tuple[str, ...] | None = None,
    dft: str | None = None,
) -> SolidLevels:
    """Return the levels for crystals and slabs, with what a section overrides.

    Settings of an engine given in the campaign apply; a setting that one architecture alone
    knows belongs into a campaign with that one.
    """
    names = campaign.levels.potentials if potentials is None else potentials
    return SolidLevels(
        potentials=tuple(periodic_level(campaign, name) for name in names),
        dft=periodic_level(campaign, campaign.levels.dft if dft is None else dft),
    )


def periodic_level(campaign: Campaign, name: str) -> Level:
    """Return a level by its name, with the settings that the campaign has for its engine."""
    level = Level.parse(name)
    settings = campaign.levels.settings.get(level.engine, {})
    return level.model_copy(update={"settings": dict(settings)})
