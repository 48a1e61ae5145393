"""Schedules on this machine: when, what, what became of it, and the process that keeps the clock."""
