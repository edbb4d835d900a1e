"""Descents on a device of the jax target: with the data there, or streamed to it. JAX is imported when one begins."""

from typing import TYPE_CHECKING

from ...on_demand import on_demand

if TYPE_CHECKING:
    from .resident import DeviceEngine, DeviceStep, device_step, loss_on_device
    from .streamed import holds, streamed_to_device

__all__ = ["DeviceEngine", "DeviceStep", "device_step", "holds", "loss_on_device", "streamed_to_device"]

# Descents on the processor need none of it.
__getattr__ = on_demand(
    __name__,
    {
        "resident": ["DeviceEngine", "DeviceStep", "device_step", "loss_on_device"],
        "streamed": ["holds", "streamed_to_device"],
    },
)
