"""Data sets on disk: their layouts, reading their samples, writing and checking them."""
