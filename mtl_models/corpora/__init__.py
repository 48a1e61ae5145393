"""Where texts come from, how they become labelled rows in three splits, and what must hold for them."""
