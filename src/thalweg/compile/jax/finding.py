"""Finding JAX and its devices; where they are missing, what to install."""

from __future__ import annotations

from typing import Any

from ...errors import DeviceError
from ..device import Device

__all__ = ["devices", "found", "room_for_data"]

_INSTALLS = {
    "gpu": 'for a GPU of NVIDIA: pip install "jax[cuda13]", and a driver of version 580 or later; for one of AMD see JAX\'s '
    "installation page",
    "tpu": 'on a TPU machine: pip install "jax[tpu]"',
}
_FASTEST_FIRST = ("tpu", "gpu", "cpu")
_SHARE_FOR_DATA = 0.8


def _jax() -> Any:
    try:
        import jax
    except ImportError as error:
        raise DeviceError(
            f'the jax target needs JAX, which is not installed: pip install "thalweg[jax]"; {_INSTALLS["gpu"]}'
        ) from error
    return jax


def _of_kind(kind: str) -> list[Any]:
    jax = _jax()
    try:
        return list(jax.devices(kind))
    except RuntimeError:  # JAX's word for: there are none
        return []


def devices() -> tuple[Device, ...]:
    """The devices that JAX finds, the fastest kind first. Each can be given to `minimize(device=...)`.

    `memory` is what data may take there, if the device says how much it has.
    Raises DeviceError if JAX is not installed.
    """
    return tuple(
        Device(kind, number, memory=room_for_data(device), name=device.device_kind)
        for kind in _FASTEST_FIRST
        for number, device in enumerate(_of_kind(kind))
    )


def found(device: Device) -> Any:
    """JAX's own device. Raises DeviceError, which says what to install, if there is none."""
    kinds = _FASTEST_FIRST if device.kind == "automatic" else (device.kind,)
    present: list[Any] = next(filter(None, map(_of_kind, kinds)), [])
    return present[device.number] if device.number < len(present) else _missing(device)


def _missing(device: Device) -> Any:
    present = ", ".join(str(other) for other in devices())
    jax = _jax()
    where = f"JAX {jax.__version__} finds no {device.kind} {device.number} on this machine, only: {present}."
    advice = _INSTALLS.get(device.kind)
    raise DeviceError(f"{where} {advice[0].upper()}{advice[1:]}" if advice else where)


def room_for_data(device: Any) -> int | None:
    """How many bytes data may take on JAX's device; None if it does not tell, as on a CPU."""
    statistics = device.memory_stats() if device.platform != "cpu" else None
    if not statistics or "bytes_limit" not in statistics:
        return None
    return int(_SHARE_FOR_DATA * (statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)))
