"""The parts of a report beyond single additives: pairs, coatings, migration, adsorption."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.database.database import Database
    from mgscreen.ranking.results import RankedAdditive


@dataclass
class Sections:
    """What the parts put into the page.

    Attributes
    ----------
    parts
        Each with the name of its template, its title and its anchor.
    charts
        Vega-Lite specifications by the id that the page's placeholders name.
    structures
        Structures as extended XYZ, with id and title.
    """

    parts: list[dict[str, Any]] = field(default_factory=list)
    charts: dict[str, Any] = field(default_factory=dict)
    structures: list[dict[str, str]] = field(default_factory=list)

    @property
    def caveats(self) -> list[str]:
        """The caveats of all parts, each with the part that it belongs to."""
        return [f"{part['title']}: {text}" for part in self.parts for text in part["caveats"]]


def collect_sections(
    database: Database, campaign_id: int, additives: Sequence[RankedAdditive] = ()
) -> Sections:
    """Ask each part what it has to say of a campaign; a part without results is left out.

    Parameters
    ----------
    database
        Opened for reading.
    campaign_id
        Number of the campaign.
    additives
        The ranked additives; without them there is nothing to say of pairs.
    """
    from mgscreen.report import adsorption, experiment, migration, pairs, stability

    found = Sections()
    formulations = pairs.section(database, campaign_id, additives)
    phases = stability.section(database, campaign_id)
    parts = {
        "pairs": formulations,
        "stability": phases,
        "migration": migration.section(database, campaign_id),
        "adsorption": adsorption.section(database, campaign_id),
        "experiment": experiment.section(
            database,
            campaign_id,
            formulations["ranked"] if formulations else [],
            [r for group in phases["groups"] for r in group["rows"]] if phases else [],
        ),
    }
    for name, given in parts.items():
        if given is None:
            continue
        part = {"caveats": [], "charts": [], "structures": [], "commands": [], **given}
        found.parts.append({**part, "template": f"{name}.html.j2"})
        found.charts |= {chart["id"]: chart["spec"] for chart in part["charts"]}
        found.structures += [
            {key: str(one[key]) for key in ("id", "title", "xyz")} for one in part["structures"]
        ]
    return found
