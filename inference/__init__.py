"""D³M: features, swapping, contrastive fusion, memory banks, decision."""

import os

# Threads of libgomp wait for each other in a busy loop by default. While captures render or reconstruct on the same cores, that
# burns the very time the others need: a coreset took 26 s instead of 5 s beside other busy processes.
# Read once when torch loads libgomp, so it stands before any import of torch; an operator's own setting wins.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
