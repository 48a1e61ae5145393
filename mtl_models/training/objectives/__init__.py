"""Objectives: from the tasks' losses to one update, one small file each; `build.build_objective` finds them by name."""
