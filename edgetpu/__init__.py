"""What the Edge TPU runs, the memory and time it takes, and how to drive the real compiler and the real chip."""
