"""Corpora whose labels lie on words: one file per format, and the value they are read as."""
