"""What can be typed: commands with their arguments, options and help. What they do lies beside this package and is imported when called."""
