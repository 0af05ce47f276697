# How GPAW is compiled for a cluster: MPI, libxc, FFTW and ScaLAPACK. Debian has all of it:
#   apt-get install libxc-dev libopenblas-dev libfftw3-dev libopenmpi-dev openmpi-bin \
#       libscalapack-openmpi-dev
#   make run GPAW_SITE=$PWD/hpc/gpaw-mpi-siteconfig.py
# On a cluster, load its modules first and name their libraries here.
compiler = "mpicxx"
mpi = True
libraries = ["xc", "blas", "fftw3", "scalapack-openmpi"]
noblas = False
nolibxc = False
fftw = True
scalapack = True
