"""Probing: what the levels of a model encode, asked by small linguistic tasks that rules make of the corpora (Conneau et al. 2018)."""
