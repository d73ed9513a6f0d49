"""Who the people are, and what their tokens may do."""
