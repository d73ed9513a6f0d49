"""Networks: what they are (pure values), and how Keras and TensorFlow build and quantize them (the other half)."""
