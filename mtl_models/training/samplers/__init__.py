"""Samplers: how many rows of each task an epoch holds, one small file each; `draw.draw` says which rows."""
