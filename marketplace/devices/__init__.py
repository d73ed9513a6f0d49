"""The machines that work for this site."""
