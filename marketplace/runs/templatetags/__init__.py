"""What the templates of runs may call."""
