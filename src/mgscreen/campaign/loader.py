"""Read a campaign file; whatever is wrong with it ends in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mgscreen.campaign.faults import did_you_mean, input_error
from mgscreen.campaign.models import Campaign
from mgscreen.campaign.sourcemap import SourceMap
from mgscreen.core.errors import InputError, Location
from mgscreen.core.resources import data_path

if TYPE_CHECKING:
    import os

MAX_BYTES = 2_000_000
"""A larger file is no campaign: it is refused before it is read."""


@dataclass(frozen=True)
class Loaded:
    """A campaign, with the text that it was read from.

    Attributes
    ----------
    campaign
        The checked content.
    text
        The TOML text as it stands in the file.
    path
        The file.
    source
        Lines of the text, for errors found later.
    """

    campaign: Campaign
    text: str
    path: Path
    source: SourceMap


def load_campaign(path: str | os.PathLike[str]) -> Loaded:
    """Read and check a campaign file.

    Parameters
    ----------
    path
        A TOML file, or the bare name of a campaign that comes with mgscreen (``laptop``), which is
        looked up where no such file exists.

    Raises
    ------
    InputError
        One sentence with file, line and field, if the file cannot be read or is no campaign.
    """
    file = find_campaign(path)
    name = str(file)
    text = read_text(file)
    source = SourceMap.parse(text, name)
    if not source.data:
        raise InputError("the file is empty: expected a campaign in TOML", Location(name))
    try:
        # strict: "6" is not 6 and true is not 1; tuples, since strict mode tells them from lists
        campaign = Campaign.model_validate(_tuples(source.data), strict=True)
    except ValidationError as error:
        raise input_error(error, source, Campaign) from None
    return Loaded(campaign=campaign, text=text, path=file, source=source)


def shipped_campaigns() -> dict[str, Path]:
    """Return the campaigns that come with mgscreen, by name."""
    try:
        return {p.stem: p for p in sorted(data_path("workflows").glob("*.toml"))}
    except FileNotFoundError:
        return {}


def find_campaign(path: str | os.PathLike[str]) -> Path:
    """Return the file that ``path`` names: a file, or a campaign that comes with mgscreen.

    Raises
    ------
    InputError
        If there is neither; it names the nearest shipped campaign.
    """
    file = Path(path)
    if _exists(file):
        return file
    shipped = shipped_campaigns()
    bare = len(file.parts) == 1 and not file.suffix
    if bare and file.name in shipped:
        return shipped[file.name]
    message = "there is no such file"
    if bare and shipped:
        hint = did_you_mean(file.name, shipped, what="campaigns that come with mgscreen")
        message += f" and no such campaign ({hint})"
    raise InputError(message, Location(str(file)))


def read_text(file: Path, what: str = "a campaign in TOML") -> str:
    """Read a user's text file.

    Parameters
    ----------
    file
        The file.
    what
        What it should hold, for errors.

    Raises
    ------
    InputError
        If it is missing, no regular file, too large, not UTF-8 or binary.
    """
    place = Location(str(file))
    try:
        if not file.exists():
            raise InputError("there is no such file", place)
        if not file.is_file():
            kind = "a folder" if file.is_dir() else "no regular file"
            raise InputError(f"this is {kind}: expected {what}", place)
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                f"the file has {size / 1e6:.0f} MB: expected {what}, at most 2 MB", place
            )
        raw = file.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"the file cannot be read ({reason.lower()})", place) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"the file is not UTF-8 text: expected {what}", Location(str(file), line)
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"the file is binary: expected {what}", Location(str(file), line))
    return text


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except (OSError, ValueError):  # name too long, null byte
        return False


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(v) for v in value)
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return value
