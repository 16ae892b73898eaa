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
    "plots": "plots",  # these two are themselves what is wanted
    "published": "published",
}
__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'helpers' has no attribute '{name}'")
    home = importlib.import_module(f"helpers.{_HOME[name]}")
    return home if _HOME[name] == name else getattr(home, name)
