"""Which device the jax target runs on, and how: named without importing JAX."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ArgumentError

__all__ = ["Device", "device_of"]

_KINDS = ("automatic", "cpu", "gpu", "tpu")
_PRECISIONS = ("full", "tensorfloat32", "bfloat16")


@dataclass(frozen=True)
class Device:
    """A device that JAX drives, and how a descent uses it.

    kind: "cpu", "gpu", "tpu", or "automatic", which is the best that JAX finds. number: which of that kind, from 0.
    precision: of products of float32 arrays. "full": float32; "tensorfloat32": 10 bits of mantissa go in, on GPUs that have it;
        "bfloat16": 7 bits go in. Totals are float32 in each.
    memory: bytes that data may take on the device; larger data are streamed there in chunks while the device computes. By default
        four fifths of the memory that is free.
    name: as the maker calls it; of devices that `devices()` has found.

    Raises ArgumentError for a value outside of these.
    """

    kind: str = "automatic"
    number: int = 0
    precision: str = "full"
    memory: int | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ArgumentError(f"Device(kind={self.kind!r}): expected one of {_listed(_KINDS)}")
        if not isinstance(self.number, int) or isinstance(self.number, bool) or self.number < 0:
            raise ArgumentError(f"Device(number={self.number!r}): expected a whole number, 0 or more")
        if self.precision not in _PRECISIONS:
            raise ArgumentError(f"Device(precision={self.precision!r}): expected one of {_listed(_PRECISIONS)}")
        is_whole = isinstance(self.memory, int) and not isinstance(self.memory, bool)
        if self.memory is not None and (not is_whole or self.memory < 1):
            raise ArgumentError(f"Device(memory={self.memory!r}): expected a number of bytes, 1 or more, or None")

    def __str__(self) -> str:
        named = f" ({self.name})" if self.name not in ("", self.kind) else ""
        return f"{self.kind} {self.number}{named}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def device_of(device: str | Device | None) -> Device:
    """The device that an argument names: "gpu", the second one as "gpu:1", a Device; by default the best that there is.

    >>> device_of("gpu:1")
    Device(kind='gpu', number=1, precision='full', memory=None, name='')
    """
    if isinstance(device, Device):
        return device
    if device is None:
        return Device()
    kind, _, number = device.partition(":") if isinstance(device, str) else ("", "", "")
    if kind not in _KINDS or (number and not number.isdecimal()):
        raise ArgumentError(f'device={device!r}: expected "gpu", "tpu", "cpu", such as "gpu:1", or tw.Device(...)')
    return Device(kind, int(number or 0))
