"""What the notebooks import. Each name is loaded when it is first used, so that `import helpers` costs nothing."""

import importlib

_HOME = {
    "load_bert": "models",
    "check": "exercises",
    "progress": "exercises",
    "patient": "exercises",
    "explore": "explorer",
    "drag": "moving",
    "film": "moving",
    "plots": None,
    "published": None,
}
__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'helpers' has no attribute '{name}'")
    home = _HOME[name]
    if home is None:
        return importlib.import_module(f"helpers.{name}")
    return getattr(importlib.import_module(f"helpers.{home}"), name)
