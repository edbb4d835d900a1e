"""From LLVM IR to machine code, and machine code to functions that Python can call."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from ...beside import unforked
from .lapack import LAPACK_FUNCTIONS, lapack_function

__all__ = ["Library", "compile_object", "host_fingerprint", "link", "vector_bytes"]


@cache
def _start() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def _features() -> dict[str, bool]:
    _start()
    return dict(llvm.get_host_cpu_features())


@cache
def vector_bytes() -> int:
    """The size of this machine's vector registers."""
    features = _features()
    if features.get("avx512f"):
        return 64
    return 32 if features.get("avx2") else 16


@cache
def _target_machine(speed: int) -> Any:
    _start()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    flags = ",".join(("+" if on else "-") + name for name, on in sorted(_features().items()))
    if vector_bytes() == 64:
        flags += ",-prefer-256-bit"
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=flags, opt=speed, reloc="pic", codemodel="default"
    )


@cache
def host_fingerprint() -> str:
    """What machine code depends on beside the graph: processor, LLVM, and this package's own source."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[2]
    for folder in ("compile", "graph", "ops", "rewrite"):
        for path in sorted((package / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    parts = (
        platform.machine(),
        llvm.get_host_cpu_name(),
        _features_text(),
        llvmlite.__version__,
        str(llvm.llvm_version_info),
    )
    digest.update("|".join(parts).encode())
    return digest.hexdigest()


def _features_text() -> str:
    return ",".join(sorted(name for name, on in _features().items() if on))


def compile_object(text: str, is_quick: bool, is_brief: bool = False) -> bytes:
    """Machine code for LLVM IR, as the bytes of an object file.

    is_quick: with fewer optimisations, for large modules and for those that run seldom. is_brief: of programs whose time is spent in
    sweeps, which are emitted as they should be: in registers, unrolled, with what does not change before the loops. A few passes find
    what is left to find there, in a tenth of the time.
    """
    machine = _target_machine(1 if is_quick else 2)
    module = llvm.parse_assembly(text)
    module.triple = llvm.get_process_triple()
    module.data_layout = str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=1 if is_quick else 2)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = not is_quick
    builder = llvm.create_pass_builder(machine, options)
    passes = _few_passes(unrolls=not is_quick) if is_brief else builder.getModulePassManager()
    passes.run(module, builder)
    if os.environ.get("THALWEG_SHOW_IR"):
        Path(os.environ["THALWEG_SHOW_IR"]).write_text(str(module))
    return bytes(machine.emit_object(module))


def _few_passes(unrolls: bool) -> Any:
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_sroa_pass()
    passes.add_new_gvn_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    if unrolls:  # loops over a few classes, say
        passes.add_loop_rotate_pass()
        passes.add_loop_unroll_pass()
    return passes


@dataclass(eq=False)
class Library:
    """Machine code that is loaded; its functions live as long as this object."""

    tracker: Any
    functions: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.functions[name]


@cache
def _compiler() -> Any:
    """The linker. JITLink puts all of an object into one piece of memory; the older linker may put code and constants more
    than 2 GB apart in a process with many mappings, and then ends the process."""
    has_jit_link = platform.system() in ("Linux", "Darwin") and platform.machine().lower() in (
        "x86_64",
        "aarch64",
        "arm64",
    )
    return llvm.create_lljit_compiler(_target_machine(2), use_jit_link=has_jit_link, suppress_errors=False)


@cache
def _symbols() -> dict[str, int]:
    """The C functions that machine code may call."""
    found: dict[str, int] = {}
    library = ctypes.CDLL("ucrtbase" if os.name == "nt" else None)  # the process itself holds C's library
    for name in ("fma", "fmaf", "fmod", "fmodf", "memcpy", "memset", "memmove", "sched_yield", "usleep"):
        function = getattr(library, name, None)
        if function is not None:
            found[name] = ctypes.cast(function, ctypes.c_void_p).value or 0
    return found


_count = iter(range(1 << 62))
_linking = threading.Lock()  # one linker for all threads


def link(code: bytes, names: Sequence[str], arguments: int, needs: Sequence[str] = ()) -> Library:
    """Loads an object file; its functions take pointers and integers, and release the GIL while they run.

    needs: functions of LAPACK that the code calls.
    """
    builder = llvm.JITLibraryBuilder().add_object_img(code)
    for name, address in _symbols().items():
        builder.import_symbol(name, address)
    for name in needs:
        builder.import_symbol(name, ctypes.cast(lapack_function(name), ctypes.c_void_p).value or 0)
    for name in names:
        builder.export_symbol(name)
    with unforked(), _linking:
        tracker = builder.link(_compiler(), f"thalweg-{next(_count)}")
    kind = ctypes.CFUNCTYPE(None, *([ctypes.c_void_p] * arguments))
    return Library(tracker, {name: kind(tracker[name]) for name in names})


def needed_functions(text: str) -> tuple[str, ...]:
    """The functions of LAPACK that the module calls."""
    return tuple(name for name in LAPACK_FUNCTIONS if f"@{name}" in text or f'@"{name}"' in text)
