"""Molecules and mean fields of PySCF, built from a level of theory.

Q. Sun et al., J. Chem. Phys. 153, 024109 (2020), doi:10.1063/5.0006074. ``b3lyp`` is Gaussian's
(VWN functional III-like RPA); the 6-31G family takes six Cartesian d functions, 6-311G and all
others five, as Gaussian does. C-PCM: V. Barone, M. Cossi, J. Phys. Chem. A 102, 1995 (1998),
doi:10.1021/jp9716997, with the switching-Gaussian surface of A. W. Lange, J. M. Herbert,
J. Chem. Phys. 133, 244111 (2010), doi:10.1063/1.3511297.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg
from pyscf import dft, gto, lib
from pyscf.df import incore
from pyscf.solvent import _attach_solvent
from pyscf.solvent.pcm import PCM

from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.identity import digest
from mgscreen.core.runtime import runtime
from mgscreen.engines.options import Option, count, fill, positive
from mgscreen.engines.pyscf_basis import basis_by_element, core_potentials, has_element

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

    Array = NDArray[np.float64]

MEMORY_CAP_MB = 3500
"""Above this, density fitting of 30 atoms keeps everything in memory and reaches 5 GB."""
LEBEDEV_ORDERS = (3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 35, 41, 47, 53, 59)
PCM_ORDERS = LEBEDEV_ORDERS[2:]

GRID = Option(
    3,
    (int, str),
    "PySCF's grid level, 0 to 9, or 'radial,angular' points of each atom",
    low=0,
    high=9,
    pattern=r"\d{2,3},(50|86|110|146|170|194|302|434|590|770|974)",
)

OPTIONS = {
    "device": Option("cpu", (str,), "cpu or gpu", choices=("cpu", "gpu")),
    "cartesian": Option(
        "auto", (str, bool), "true, false or 'auto'", choices=("auto", True, False)
    ),
    "density_fit": Option(True, (bool,), "true or false"),  # noqa: FBT003
    "fallback_basis": Option(
        "auto", (str,), "the basis of elements that the level's lacks, 'auto', or '' for none"
    ),
    "auxbasis": Option("", (str,), "the name of a fitting basis, '' for PySCF's choice"),
    "grid": GRID,
    "conv_tol": positive(1e-9, "an energy in hartree at which the SCF has converged", high=1e-3),
    "conv_tol_grad": positive(
        3e-5, "an orbital gradient in hartree at which the SCF has converged", high=1e-1
    ),
    "max_cycle": count(60, "a whole number of SCF cycles of each attempt", low=2),
    "pcm_order": Option(29, (int,), f"a Lebedev order of {PCM_ORDERS}", choices=PCM_ORDERS),
    "pcm_scale": positive(1.2, "the factor on the van der Waals radii of the cavity", high=3.0),
    "relax_grid": GRID,
    "relax_fmax": positive(0.01, "the largest force of a relaxed geometry, eV/angstrom"),
    "max_steps": count(200, "a whole number of relaxation steps"),
    "esp_isovalue": positive(0.001, "the density of the surface, electrons/bohr^3", high=0.1),
    "esp_spacing_bohr": positive(0.3, "the spacing of the density grid, bohr", high=1.0),
    "hessian": Option(
        "analytic", (str,), "'analytic' or 'numeric'", choices=("analytic", "numeric")
    ),
    "displacement_a": positive(0.005, "a displacement for numerical vibrations, A", high=0.1),
}

# Functionals that a paper's name and libxc's name tell apart: with a D3/D4 correction, these are
# the VV10 functionals without their nonlocal part (A. Najibi, L. Goerigk, J. Chem. Theory Comput.
# 14, 5725 (2018), doi:10.1021/acs.jctc.8b00842).
WITHOUT_VV10 = {"wb97x": "wb97x_v", "wb97m": "wb97m_v", "b97m": "b97m_v"}


def check_level(level: Level) -> dict[str, Any]:
    """Check functional, basis and settings; return every setting, with the defaults filled in.

    Raises
    ------
    InputError
        One sentence that says what is not known.
    """
    settings = fill("pyscf", OPTIONS, level.settings)
    functional, _ = functional_of(level)
    try:
        dft.libxc.parse_xc(functional)
    except (KeyError, ValueError, AttributeError, IndexError):
        raise InputError(
            f"'{level}': PySCF's libxc knows no functional '{level.method}' (for example b3lyp, "
            "pbe0, wb97x_v, m06-2x)"
        ) from None
    for element in ("H", "C", "Mg", "O"):
        if has_element(level.basis, element):
            break
    else:
        raise InputError(
            f"'{level}': PySCF knows no basis set '{level.basis}' (for example 6-31g(d), "
            "6-31+g(d), def2-svpd, def2-tzvpd)"
        )
    if level.dispersion:
        from mgscreen.engines.pyscf_dispersion import damping

        damping(level)
    return settings


def functional_of(level: Level) -> tuple[str, bool]:
    """Return libxc's name of the functional, and whether its nonlocal (VV10) part is computed."""
    name = level.method.removeprefix("r") if level.method == "rb3lyp" else level.method
    if level.dispersion and name in WITHOUT_VV10:
        return WITHOUT_VV10[name], False
    return name, name.replace("-", "_").endswith("_v")


def is_cartesian(level: Level, settings: dict[str, Any]) -> bool:
    """Return whether d functions are the six Cartesian ones."""
    if settings["cartesian"] != "auto":
        return bool(settings["cartesian"])
    return level.basis.startswith("6-31") and not level.basis.startswith("6-311")


def build_mol(structure: AtomicStructure, level: Level, settings: dict[str, Any]) -> Any:
    """Return PySCF's molecule.

    Raises
    ------
    ScientificFailureError
        If an element is not in the basis set, or there is no electron.
    """
    chosen = basis_by_element(level.basis, settings["fallback_basis"], structure.symbols)
    if structure.n_electrons == 0:
        raise ScientificFailureError(f"{structure.formula} has no electron at this charge")
    mol = gto.Mole()
    mol.atom = list(zip(structure.symbols, structure.positions, strict=True))
    mol.unit = "Angstrom"
    mol.charge, mol.spin = structure.charge, structure.multiplicity - 1
    mol.basis = chosen
    mol.ecp = core_potentials(chosen)
    mol.cart = is_cartesian(level, settings)
    mol.verbose = 0
    mol.max_memory = min(runtime().memory_mb, MEMORY_CAP_MB)
    mol.build(dump_input=False, parse_arg=False)
    return mol


class Shared:
    """What states of the same atoms share: fitted integrals, grids, the cavity's integrals.

    They depend on geometry and basis alone, not on charge or spin, so taking them from here changes
    no value. The last geometry is kept, no more: they are large.
    """

    def __init__(self) -> None:
        self._parts: OrderedDict[str, Any] = OrderedDict()
        self._geometry = ""

    def part(self, mol: Any, name: str, build: Any) -> Any:
        """Return a part that was built before for the same atoms, or build it."""
        geometry = digest([mol.atom_coords(), mol.elements, mol.basis, mol.cart])
        if geometry != self._geometry:
            self._parts.clear()
            self._geometry = geometry
        if name not in self._parts:
            self._parts[name] = build()
        return self._parts[name]


SHARED = Shared()


class FastPCM(PCM):  # type: ignore[misc]
    """C-PCM that keeps its three-centre integrals in memory: an SCF cycle costs a tenth."""

    limit_mb = 1500.0

    def _integrals(self) -> Any:
        n = self.mol.nao
        points = len(self.surface["grid_coords"])
        if n * (n + 1) / 2 * points * 8e-6 > self.limit_mb:
            return None

        def build() -> Any:
            found = np.empty((n * (n + 1) // 2, points))
            for start in range(0, points, 400):
                part = slice(start, start + 400)
                charges = gto.fakemol_for_charges(
                    self.surface["grid_coords"][part], expnt=self.surface["charge_exp"][part] ** 2
                )
                charges.cart = self.mol.cart
                name = "int3c2e_cart" if self.mol.cart else "int3c2e_sph"
                found[:, part] = incore.aux_e2(self.mol, charges, intor=name, aosym="s2ij")
            return found

        return SHARED.part(self.mol, f"pcm-{self.lebedev_order}-{self.vdw_scale}", build)

    def _get_vind(self, dms: Any) -> Any:
        """Energy and potential of the cavity; its matrix is symmetric and factorised once."""
        if not self._intermediates:
            self.build()
        found = self._intermediates
        if "factor" not in found:
            found["factor"] = scipy.linalg.cho_factor(found["K"])
        size = dms.shape[-1]
        dms = dms.reshape(-1, size, size)
        if dms.shape[0] == 2:  # noqa: PLR2004 - alpha and beta
            dms = dms.sum(axis=0)[None]
        potential = (self.v_grids_n - self._get_v(dms))[0]
        charges = -found["f_epsilon"] * scipy.linalg.cho_solve(found["factor"], potential)
        found.update(q=charges, q_sym=charges, v_grids=potential, dm=dms)
        return 0.5 * charges @ potential, self._get_vmat(charges)[0]

    def _get_v(self, dms: Any) -> Any:
        integrals = self._integrals()
        if integrals is None:
            return super()._get_v(dms)
        packed = lib.pack_tril(dms + dms.transpose(0, 2, 1))
        diagonal = np.cumsum(np.arange(1, dms.shape[-1] + 1)) - 1
        packed[:, diagonal] *= 0.5
        return packed @ integrals

    def _get_vmat(self, q: Any) -> Any:
        integrals = self._integrals()
        if integrals is None:
            return super()._get_vmat(q)
        charges = q.reshape(-1, integrals.shape[1])
        return -lib.unpack_tril(np.ascontiguousarray(charges @ integrals.T))


def build_mf(
    mol: Any, level: Level, settings: dict[str, Any], grid: int | str | None = None
) -> Any:
    """Return the mean field of a level, not yet converged: RKS for singlets, UKS otherwise."""
    functional, nonlocal_part = functional_of(level)
    mf = dft.RKS(mol, xc=functional) if mol.spin == 0 else dft.UKS(mol, xc=functional)
    if settings["density_fit"]:
        auxbasis = settings["auxbasis"] or None
        mf = mf.density_fit(auxbasis=auxbasis)
        mf.with_df = SHARED.part(mol, f"df-{auxbasis}", lambda: _fitted(mf.with_df))
    if not nonlocal_part:
        mf.nlc = False
    level_of_grid = settings["grid"] if grid is None else grid

    def grids() -> Any:
        found = dft.gen_grid.Grids(mol)
        if isinstance(level_of_grid, str):
            radial, angular = map(int, level_of_grid.split(","))
            found.atom_grid = dict.fromkeys(mol.elements, (radial, angular))
        else:
            found.level = level_of_grid
        found.verbose = 0
        return found.build(with_non0tab=True)

    mf.grids = SHARED.part(mol, f"grids-{level_of_grid}", grids)
    if level.solvent:
        pcm = FastPCM(mol)
        pcm.method = "C-PCM"
        pcm.eps = float(level.dielectric or 1.0)
        pcm.lebedev_order = int(settings["pcm_order"])
        pcm.vdw_scale = float(settings["pcm_scale"])
        pcm.verbose = 0
        mf = _attach_solvent._for_scf(mf, pcm)  # noqa: SLF001 - PCM() takes no other class
    mf.conv_tol = float(settings["conv_tol"])
    mf.conv_tol_grad = float(settings["conv_tol_grad"])
    mf.max_cycle = int(settings["max_cycle"])
    mf.chkfile = None
    mf.verbose = 0
    return mf


def _fitted(with_df: Any) -> Any:
    with_df.verbose = 0
    return with_df.build()
