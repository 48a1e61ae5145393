"""What must hold for the rows of a corpus, judged by Great Expectations."""
