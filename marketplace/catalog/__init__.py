"""Models that people publish and subscribe to."""
