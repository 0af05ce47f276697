"""What the ranking returns: criteria with their verdicts, margins, the ranked additive."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.energetics.scales import Verdict
from mgscreen.ranking.chain import FilmChain
from mgscreen.ranking.evidence import Value

Role = Literal["SEI former", "CEI former", "both", "inert", "unknown", "host"]
Standing = Literal["completed", "partial", "failed", "missing", "host"]


class Criterion(BaseModel):
    """One question about a candidate and its answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    holds: bool | None = Field(description="None: withheld or unknown, see reason")
    probability: float | None = None
    reason: str
    counts: bool = Field(default=True, description="whether the role depends on it")
    verdict: Verdict | None = Field(default=None, description="with the margin on every scale")


class Margin(BaseModel):
    """A potential of a candidate beside the limit that the host sets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Literal["reduction", "oxidation"]
    potential_v: float = Field(description="V vs the metal, first scale")
    potential_sd: float
    kind: Literal["adiabatic", "vertical"]
    host: str
    host_v: float
    host_sd: float
    host_kind: str
    margin_v: float = Field(description="positive: the candidate reacts before the host")
    probability: float
    note: str = ""


class RankedAdditive(BaseModel):
    """A candidate with its rank, role and what they stand on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int | None = Field(description="None: no score, or part of the host")
    rank_low: int | None = Field(description="best rank of the 90 % interval")
    rank_high: int | None = Field(description="worst rank of the 90 % interval")
    candidate: str
    description: str = ""
    role: Role
    score: float | None = Field(
        description="probability of a job at one electrode at least; a lower bound if partial"
    )
    state: Standing
    reason: str = Field(description="one sentence: why this role")
    score_high: float | None = Field(
        default=None, description="with the best that is possible of a film that is not known"
    )
    p_sei: float | None = Field(
        default=None, description="None: no reduction potential, or its film is not known"
    )
    p_reduced: float | None = Field(
        default=None, description="the part of p_sei that is about the reduction, without the film"
    )
    p_cei: float | None = None
    criteria: tuple[Criterion, ...] = ()
    margins: tuple[Margin, ...] = ()
    evidence: tuple[Value, ...] = ()
    film: FilmChain | None = Field(
        default=None, description="from its fragments to the film that they form"
    )
    caveats: tuple[str, ...] = ()
