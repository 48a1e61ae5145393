"""The architectures, one file each; building them, using them with texts, and keeping them in model folders."""
