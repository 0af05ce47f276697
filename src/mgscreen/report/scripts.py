"""Code of others that a report carries inside: the viewer of structures, the renderer of charts."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mgscreen.core.errors import MissingEngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

_VENDOR = Path(__file__).parent / "vendor"
_VIEWER = _VENDOR / "3Dmol-2.5.5-min.js"


def viewer_script() -> str:
    """Return the code of the 3D viewer, to be put into the page."""
    return _inside(_VIEWER.read_text(encoding="utf-8"))


def chart_script() -> str:
    """Return the renderer of charts, of the grammar that the installed Altair writes.

    Raises
    ------
    MissingEngineError
        If altair or vl-convert is not installed.
    """
    try:
        import altair as alt
        import vl_convert
    except ImportError:
        raise MissingEngineError("vl-convert-python", "report") from None
    wanted = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    kept = _VENDOR / f"vega-lite-{wanted}-bundle.js"
    if kept.is_file():
        return _inside(kept.read_text(encoding="utf-8"))
    return _inside(str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", wanted)))


@contextmanager
def unchecked() -> Iterator[None]:
    """Let Altair not check each piece of a chart against its schema: a third of a report's time.

    The tests check the whole specifications.

    Raises
    ------
    MissingEngineError
        If altair is not installed.
    """
    try:
        from altair.utils.schemapi import debug_mode
    except ImportError:
        raise MissingEngineError("altair", "report") from None
    with debug_mode(arg=False):
        yield


def _inside(code: str) -> str:
    """Return code that cannot end the element it stands in."""
    return code.replace("</script", "<\\/script")
