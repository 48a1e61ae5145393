"""Building blocks of networks; each knows padding by the lengths of the texts."""
