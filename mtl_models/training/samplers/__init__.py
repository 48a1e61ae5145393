"""Samplers: each task's share of an epoch, one small file each; `quotas` counts its rows, `draw.draw` says which rows."""
