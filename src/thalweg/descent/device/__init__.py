"""Descents on a device of the jax target: with the data there, or streamed to it. JAX is imported when one begins."""

from .resident import DeviceEngine, DeviceStep, device_step, loss_on_device
from .streamed import holds, streamed_to_device

__all__ = ["DeviceEngine", "DeviceStep", "device_step", "holds", "loss_on_device", "streamed_to_device"]
