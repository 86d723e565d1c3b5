"""Not a task: its name begins with an underscore."""
