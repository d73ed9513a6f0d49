"""What the Edge TPU can run, how much memory and time it takes, and how to drive the real compiler and the real chip."""
