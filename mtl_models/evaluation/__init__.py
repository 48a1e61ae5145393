"""Measures on the test split, paired comparisons of models on its rows, and the decision they lead to."""
