"""Devices: which there are, how they are named, and what is said where one is missing."""

from __future__ import annotations

import mmap
import subprocess
import sys

import numpy as np
import pytest

import thalweg as tw

jax = pytest.importorskip("jax")


def square(x: np.ndarray) -> np.floating:
    return np.sum(x**2)


def test_the_processor_is_found_and_can_be_used() -> None:
    (found,) = (device for device in tw.devices() if device.kind == "cpu" and device.number == 0)
    result = tw.minimize(square, np.ones(2), target="jax", device=found)
    np.testing.assert_allclose(result.parameters, 0, atol=1e-6)


@pytest.mark.skipif(any(device.kind == "gpu" for device in tw.devices()), reason="there is a GPU")
def test_a_missing_gpu_says_what_to_install() -> None:
    with pytest.raises(tw.DeviceError, match=r'finds no gpu 0.*only: cpu 0.*pip install "jax\[cuda13\]"'):
        tw.minimize(square, np.ones(2), device="gpu")


def test_a_processor_that_is_not_there() -> None:
    with pytest.raises(tw.DeviceError, match="no cpu 99"):
        tw.minimize(square, np.ones(2), target="jax", device="cpu:99")


def test_without_jax_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['jax'] = None\n"
        "import numpy as np, thalweg as tw\n"
        "for call in (tw.devices, lambda: tw.minimize(lambda x: np.sum(x**2), np.ones(2), target='jax')):\n"
        "    try:\n        call()\n"
        "    except tw.DeviceError as error:\n        print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.count('needs JAX, which is not installed: pip install "thalweg[jax]"') == 2


@pytest.mark.parametrize("device", ["cuda", "gpu:x", 3, "gpu 1"])
def test_a_name_that_is_none(device: object) -> None:
    with pytest.raises(tw.ArgumentError, match=r'expected "gpu", "tpu", "cpu", such as "gpu:1"'):
        tw.minimize(square, np.ones(2), device=device)


def test_devices_refuse_what_they_cannot_be() -> None:
    for wrong in ({"kind": "npu"}, {"number": -1}, {"precision": "float16"}, {"memory": 0}):
        with pytest.raises(tw.ArgumentError):
            tw.Device(**wrong)
    with pytest.raises(tw.ArgumentError, match="runs on the processor"):
        tw.minimize(square, np.ones(2), target="numpy", device="gpu")


def test_64_bit_numbers_stay_as_the_user_has_them() -> None:
    before = jax.config.jax_enable_x64
    tw.minimize(square, np.ones(3), target="jax", stop=tw.MaxSteps(3))
    assert jax.config.jax_enable_x64 == before
    assert jax.numpy.ones(2).dtype == (np.float64 if before else np.float32)


def test_an_array_that_is_written_to_later_stays_as_it_was_sent() -> None:
    from thalweg.compile.jax.program import on_device

    place = jax.devices()[0]
    given = np.frombuffer(mmap.mmap(-1, 8000), np.int32)  # whole pages, which JAX would read in place
    sent = on_device(given, place).block_until_ready()
    given[:] = 1
    assert not np.asarray(sent).any()
