"""``mgscreen doctor``: which engines are installed and work."""

from __future__ import annotations

from mgscreen.cli.options import Format, FormatOption


def doctor(how: FormatOption = Format.TABLE) -> None:
    """Show which engines are installed and work: version, licence, citation, how to install."""
    _ = how
