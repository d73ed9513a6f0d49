"""Which network to try next, and what a network is worth: proposals (pure), training and judgement (TensorFlow)."""
