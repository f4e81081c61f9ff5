"""A module as it is where optional packages are not installed."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType


def copy_without(module: ModuleType, *missing: str) -> ModuleType:
    """A second copy of a module, whose imports of ``missing`` fail."""
    saved = {name: sys.modules[name] for name in missing if name in sys.modules}
    assert module.__file__ is not None
    spec = importlib.util.spec_from_file_location(
        f"{module.__name__}_without_{missing[0]}", module.__file__
    )
    assert spec is not None
    assert spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    try:
        sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type]
        spec.loader.exec_module(copy)
    finally:
        for name in missing:
            del sys.modules[name]
        sys.modules.update(saved)
    return copy
