"""Properties that the migration workflow stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mgscreen.core.property_info import PropertyInfo

ROWS: tuple[PropertyInfo, ...] = ()
