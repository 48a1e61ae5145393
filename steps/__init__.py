"""The pipeline's steps: one file each, thin. They take artifacts, call mtl_models, and return."""
