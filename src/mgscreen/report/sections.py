"""The parts of a report beyond molecules: adsorption, migration, stability."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mgscreen.database.database import Database

_VIEWER = Path(__file__).parent / "vendor" / "3Dmol-2.5.5-min.js"


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


def collect_sections(database: Database, campaign_id: int) -> Sections:
    """Ask each part what it has to say of a campaign; a part without results is left out."""
    from mgscreen.report import adsorption, migration, stability

    found = Sections()
    makers = {"stability": stability, "migration": migration, "adsorption": adsorption}
    for name, maker in makers.items():
        part = maker.section(database, campaign_id)
        if part is None:
            continue
        part = {"caveats": [], "charts": [], "structures": [], "commands": [], **part}
        found.parts.append({**part, "template": f"{name}.html.j2"})
        found.charts |= {chart["id"]: chart["spec"] for chart in part["charts"]}
        found.structures += [
            {key: str(one[key]) for key in ("id", "title", "xyz")} for one in part["structures"]
        ]
    return found


def viewer_script() -> str:
    """Return the code of the 3D viewer, to be put into the page."""
    return _VIEWER.read_text(encoding="utf-8").replace("</script", "<\\/script")
