"""Data sets made on a simulated rig."""
