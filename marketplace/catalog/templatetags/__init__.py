"""How figures of models are written on pages."""
