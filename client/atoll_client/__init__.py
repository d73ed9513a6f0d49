"""What users and devices install to talk to an Atoll site: HTTP only, nothing of the site imported."""
