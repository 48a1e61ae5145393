"""Word vectors: one reader per file format, all streaming, and training on the train splits."""
