"""A model over HTTP: answers, explanations, measures, and a page for people."""
