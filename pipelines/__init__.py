"""How steps connect, and the command line."""
