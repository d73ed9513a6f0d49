"""Searches that people order."""
