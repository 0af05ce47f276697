"""Builds GPAW with nothing but a C compiler: its own PBE, SciPy's BLAS and FFT, no MPI.

Named by the environment variable ``GPAW_CONFIG`` while pip installs gpaw (``make`` does that). On
a cluster use a siteconfig with MPI, libxc, FFTW and ScaLAPACK instead; energies agree to 1e-6 eV.
"""

compiler = "gcc"
mpi = False
libraries = []
nolibxc = True
noblas = True
fftw = False
scalapack = False
