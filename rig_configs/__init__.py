"""The ground floor: what a rig is, what was measured of it, and the one exception tree.

Every process of the station passes here first, so this is where its threads are told how to behave, before any library
starts them; what the environment says already stays.
"""

import os

# Waiting OpenMP threads sleep in place of spinning: Numba and torch bring a pool each, and would take the cores from one another.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Open3D brings a TBB that is too old for Numba, which would find it, warn, and go on to OpenMP.
os.environ.setdefault("NUMBA_THREADING_LAYER_PRIORITY", "omp tbb workqueue")
