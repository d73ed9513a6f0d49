"""Turns orders into results."""
