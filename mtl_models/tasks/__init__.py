"""Tasks as values, and their kinds: what a label is, with its head, loss, decoding and metrics."""
