"""Quantization-aware training: a trained network learns to answer in int8 as it does in float.

Batch norm is folded into the kernels first. Then the network is trained with int8 rounding in the loop
(`models.fake_quant`) to give the probabilities that the float network gives: that needs no labels, and cannot wander
off to another solution. Last, the trained kernels are written back into the plain network, rounded, with batch norms
that state what the kernels give. So the result is an ordinary checkpoint, and ordinary conversion gives its int8 file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.correct import as_input, load_network, mixed, save_network
from models.fake_quant import RoundedActivation, RoundedConv2D, RoundedDense, RoundedDepthwiseConv2D
from models.folding import Chain, Floats, chains_of, fold, snapped, sources_of, unfold

STEPS, BATCH = 400, 32
"""About 13,000 pictures, half a minute to a minute of one core at 64 px: benchmarks/RESULTS.md, Quantization."""
PEAK_RATE = 3e-4
_BLIND = (
    keras.layers.InputLayer,
    keras.layers.Dropout,
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.MaxPooling2D,
    keras.layers.ZeroPadding2D,
    keras.layers.Softmax,
)
"""Layers whose output has the scale of their input, or a fixed one."""
_ROUNDED: Mapping[type, Any] = {
    keras.layers.Conv2D: RoundedConv2D,
    keras.layers.DepthwiseConv2D: RoundedDepthwiseConv2D,
    keras.layers.Dense: RoundedDense,
}
Vary = Callable[[Any, Any], Any]
"""From a batch of uint8 pictures and a seed (2,) to the network's input, each picture a little different."""


def train_for_int8(
    checkpoint: Path,
    pictures: NDArray[np.uint8],
    target: Path,
    *,
    seed: int,
    vary: Vary | None = None,
    steps: int = STEPS,
    on_share: Callable[[float], None] = lambda share: None,
) -> None:
    """Write a network that was trained for int8.

    Args:
        checkpoint: a trained network for float input (pixel − 127) / 128 that ends with probabilities.
        pictures: training pictures (pictures, height, width, 3).
        target: the new checkpoint, a plain .keras file.
        seed: of the order of the pictures.
        vary: how pictures are changed from step to step; None shows them as they are.
        steps: batches of BATCH pictures.
        on_share: told now and then which share of the steps is done.

    Raises:
        QuantizationFailed: if a layer is used twice.
    """
    network = load_network(checkpoint)
    chains = chains_of(network)
    student = _student(network, chains)
    _learn(network, student, pictures, seed=seed, vary=vary or _as_they_are, steps=steps, on_share=on_share)
    _write_back(network, chains, student, mixed(pictures, seed))
    save_network(network, target)


def _as_they_are(images: Any, seed: Any) -> Any:
    return (tf.cast(images, tf.float32) - 127.0) / 128.0


def _student(network: keras.Model, chains: Mapping[str, Chain]) -> keras.Model:
    """Return the network with batch norms folded, int8 kernels, and int8 activations where an int8 file has them."""
    folded = {chain.norm.name for chain in chains.values() if chain.norm is not None}
    rounded = _rounded_outputs(network, folded)

    def replace(layer: Any) -> Any:
        if layer.name in chains:
            activation = keras.activations.serialize(layer.activation)
            return _ROUNDED[type(layer)].from_config(layer.get_config() | {"use_bias": True, "activation": activation})
        if layer.name in folded or isinstance(layer, keras.layers.Dropout):  # the teacher leaves nothing out either
            return keras.layers.Identity(name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    def connect(layer: Any, *args: Any, **kwargs: Any) -> Any:
        found = layer(*args, **{name: value for name, value in kwargs.items() if name not in ("mask", "training")})
        return RoundedActivation(name=f"{layer.name}_rounded")(found) if layer.name in rounded else found

    student = keras.models.clone_model(network, clone_function=replace, call_function=connect)
    for name, chain in chains.items():
        for variable, values in zip(_kernel_and_bias(student, name), fold(chain), strict=True):
            variable.assign(values)
    return student


def _kernel_and_bias(student: keras.Model, name: str) -> tuple[Any, Any]:
    layer = student.get_layer(name)
    return layer.kernel, layer.bias


def _rounded_outputs(network: keras.Model, folded: set[str]) -> set[str]:
    """Return the layers after which an int8 file has a tensor of its own: not between kernel, batch norm and ReLU."""
    readers: dict[str, list[str]] = {}
    for name, sources in sources_of(network).items():
        for source in sources:
            readers.setdefault(source, []).append(name)

    def is_fused(name: str) -> bool:
        after = [network.get_layer(reader) for reader in readers.get(name, [])]
        return len(after) == 1 and (after[0].name in folded or isinstance(after[0], keras.layers.ReLU))

    return {layer.name for layer in network.layers if not isinstance(layer, _BLIND) and not is_fused(layer.name)}


def _learn(
    teacher: keras.Model,
    student: keras.Model,
    pictures: NDArray[np.uint8],
    *,
    seed: int,
    vary: Vary,
    steps: int,
    on_share: Callable[[float], None],
) -> None:
    """Train the student to give the teacher's probabilities."""
    optimizer = keras.optimizers.Adam(PEAK_RATE)
    optimizer.build(student.trainable_variables)

    def step(images: Any, number: Any) -> Any:
        inputs = vary(images, number)
        wanted = tf.stop_gradient(teacher(inputs, training=False))
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(tf.reduce_sum(wanted * tf.math.log(student(inputs, training=True) + 1e-7), axis=-1))
        gradients = tape.gradient(loss, [variable.value for variable in student.trainable_variables])
        optimizer.apply(gradients, student.trainable_variables)
        return loss

    compiled = tf.function(step, autograph=False, jit_compile=False)
    random, batch = np.random.default_rng(seed), min(BATCH, len(pictures))
    for number in range(steps):
        optimizer.learning_rate.assign(PEAK_RATE * 0.5 * (1 + math.cos(math.pi * number / steps)))
        chosen = np.sort(random.choice(len(pictures), batch, replace=False))
        compiled(tf.constant(np.asarray(pictures[chosen])), tf.constant((seed, number), tf.int32))
        if number % 20 == 0:
            on_share(number / steps)


def _write_back(
    network: keras.Model, chains: Mapping[str, Chain], student: keras.Model, pictures: NDArray[np.uint8]
) -> None:
    """Give the plain network the student's kernels, rounded, and batch norms that say what they give."""
    learned = {name: tuple(np.asarray(each) for each in _kernel_and_bias(student, name)) for name in chains}
    for name, (kernel, bias) in learned.items():
        chain, zeros = chains[name], np.zeros_like(bias)
        unfold(chain, snapped(chain.layer, kernel), bias, zeros, np.ones_like(bias))
    normed = {name: chain for name, chain in chains.items() if chain.norm is not None}
    for name, (mean, variance) in _statistics(network, normed, pictures).items():
        kernel, bias = learned[name]
        unfold(normed[name], snapped(normed[name].layer, kernel), bias, mean, variance)


def _statistics(
    network: keras.Model, chains: Mapping[str, Chain], pictures: NDArray[np.uint8]
) -> dict[str, tuple[Floats, Floats]]:
    """Return mean and variance per channel of what each kernel gives on these pictures."""
    if not chains:
        return {}
    outputs = keras.Model(network.input, [chain.layer.output for chain in chains.values()])
    sums: dict[str, Any] = {}
    for start in range(0, len(pictures), 8):
        found = outputs(as_input(pictures[start : start + 8]), training=False)
        for name, values in zip(chains, found if isinstance(found, list) else [found], strict=True):
            flat = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
            sums[name] = sums.get(name, 0.0) + np.stack(
                [np.ones(flat.shape[1]) * len(flat), flat.sum(0), (flat**2).sum(0)]
            )
    means = {name: (total[1] / total[0], total[2] / total[0]) for name, total in sums.items()}
    return {
        name: (mean.astype(np.float32), np.maximum(square - mean**2, 0).astype(np.float32))
        for name, (mean, square) in means.items()
    }
