"""Runs a model under TensorFlow 2.6, the runtime of the Edge TPU compiler's time; Python 3.9, nothing of ours.

PYTHON39 old_runtime_program.py MODEL IMAGES.npy OUTPUTS.npy
"""

import sys

import numpy as np
import tensorflow as tf


def main(model, images_file, outputs_file):
    """Write the first output for every image."""
    interpreter = tf.lite.Interpreter(
        model_path=model,
        num_threads=1,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    (entry,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for image in np.load(images_file):
        interpreter.set_tensor(entry["index"], image[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(output["index"])[0].ravel().copy())
    np.save(outputs_file, np.stack(outputs))


if __name__ == "__main__":
    main(*sys.argv[1:4])
