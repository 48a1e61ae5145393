"""Texts to token ids, and words to vectors: normalising, the vocabulary, readers of vectors, the embedding matrix."""
