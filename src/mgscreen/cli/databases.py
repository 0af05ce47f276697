"""Which database and which campaign a verb is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mgscreen.cli.failures import say
from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from mgscreen.campaign.loader import Loaded
    from mgscreen.database.database import Database

RESULTS = Path("results")
FILE = "mgscreen.db"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")


@dataclass(frozen=True)
class Place:
    """Where a campaign's results lie.

    Attributes
    ----------
    folder
        Folder of the report and of the files that rows name.
    address
        Path or URL of the database.
    """

    folder: Path
    address: str

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / "report.html"

    @property
    def exists(self) -> bool:
        """Whether there may be something in the database."""
        return "://" in self.address or Path(self.address).exists()


def place_of(campaign: str, db: str | None = None, out: Path | None = None) -> Place:
    """Return where the results of a campaign go: ``--out`` and ``--db``, or ``results/NAME``."""
    folder = out if out is not None else RESULTS / campaign
    return Place(folder=folder, address=db if db is not None else str(folder / FILE))


def load(campaign: str) -> Loaded:
    """Read a campaign file; see ``mgscreen.campaign.loader.load_campaign``."""
    from mgscreen.campaign.loader import load_campaign

    return load_campaign(campaign)


def campaign_name(campaign: str) -> str:
    """Return the name of a campaign that is given by file or by name.

    Raises
    ------
    InputError
        If it is a file that is no campaign, or can be neither.
    """
    if not Path(campaign).is_file() and _NAME.fullmatch(campaign):
        return campaign
    return load(campaign).campaign.name


def open_database(campaign: str | None, db: str | None) -> tuple[Database, str | None]:
    """Open a database for reading only.

    Parameters
    ----------
    campaign
        A campaign that it must hold, by name or file; None: any.
    db
        Path or URL; None: ``results/<campaign>/mgscreen.db``, or the newest of
        ``results/*/mgscreen.db`` where no campaign is given either, which is said on stderr.

    Returns
    -------
    tuple
        The database, and the name of the campaign where one is given.

    Raises
    ------
    InputError
        If there is no such database, or no such campaign in it.
    """
    from mgscreen.database.database import Database

    name = None if campaign is None else campaign_name(campaign)
    if db is not None:
        address = db
    elif name is not None:
        address = str(_default(name))
    else:
        address = str(_newest())
        say(f"using {address}")
    database = Database(address, read_only=True)
    if name is not None:
        database.campaign_id(name)
    return database, name


def open_results(campaign: str | None, db: str | None) -> tuple[Database, str]:
    """Open the database of a campaign for reading only; see ``open_database``.

    Without a campaign it is the one that was changed last, which is said on stderr where the
    database holds several.
    """
    database, name = open_database(campaign, db)
    if name is None:
        rows = sorted(database.campaigns(), key=lambda row: row["updated_at"])
        if not rows:
            raise InputError(f"the database {database.address} holds no campaign yet")
        name = str(rows[-1]["name"])
        if len(rows) > 1:
            say(f"using campaign '{name}', the one that was changed last")
    return database, name


def _default(name: str) -> Path:
    path = RESULTS / name / FILE
    if not path.exists():
        message = f"there are no results of '{name}' ({path} is missing): run the campaign first"
        near = _known()
        if near:
            from mgscreen.campaign.faults import did_you_mean

            message += f", or give --db ({did_you_mean(name, near, what='there are results of')})"
        raise InputError(message)
    return path


def _known() -> list[str]:
    return sorted(path.parent.name for path in RESULTS.glob(f"*/{FILE}"))


def _newest() -> Path:
    def changed(path: Path) -> float:
        # what is not yet folded into the file lies in the write-ahead log
        log = path.with_name(path.name + "-wal")
        return max(p.stat().st_mtime for p in (path, log) if p.exists())

    found = sorted(RESULTS.glob(f"*/{FILE}"), key=changed)
    if not found:
        raise InputError(
            f"there is no database here (expected {RESULTS}/<campaign>/{FILE}): run a campaign "
            "first, or give --db"
        )
    return found[-1]
