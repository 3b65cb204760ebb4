"""`python -m sim` is `gomemsim`."""

from sim.cli import main

main()
