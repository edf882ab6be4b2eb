"""Workaround for RasaHQ/rasa#4280: every process of Rasa imports TensorFlow, whatever config.yml
uses (7 s and 0.4 GB).

`install` puts inert modules in its place before Rasa is imported. Their attributes are classes that
can be named, subclassed and used in annotations, which is all that Rasa does at import; calling one
raises TensorFlowLeftOut. A configuration that needs TensorFlow is refused by name, before anything
is trained or loaded.
"""

import importlib.abc
import importlib.machinery
import inspect
import sys
from abc import ABCMeta
from pathlib import Path
from types import ModuleType
from typing import Any, List, Optional, Sequence

import yaml

from assistant.rasa import switches

SWITCH = "tensorflow_stand_in"
LEFT_OUT = ("tensorflow", "tensorflow_text", "tensorflow_hub", "tensorflow_addons", "keras")
#: Rasa's own components that compute with TensorFlow.
NEED_TENSORFLOW = frozenset(
    {
        "DIETClassifier",
        "ResponseSelector",
        "ConveRTFeaturizer",
        "LanguageModelFeaturizer",
        "TEDPolicy",
        "UnexpecTEDIntentPolicy",
    }
)
MEND = (
    f"Take it out, or load TensorFlow again: {switches.variable(SWITCH)}=off (7 s more at each"
    " start, 0.4 GB more in each process)."
)


class TensorFlowLeftOut(ImportError):
    """Something needs TensorFlow. An ImportError, because libraries that can do without it (spaCy)
    look for that."""


class InertType(ABCMeta):
    """The type of every attribute of a stand-in module."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return inert(f"{cls.__module__}.{cls.__qualname__}", name)

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        raise TensorFlowLeftOut(
            f"{cls.__module__}.{cls.__qualname__} needs TensorFlow, which is left out. {MEND}"
        )


def inert(owner: str, name: str) -> InertType:
    """A class that stands for `owner`.`name`."""
    return InertType(name, (), {"__module__": owner})


class InertModule(ModuleType):
    """A module whose every attribute is an inert class."""

    __path__: List[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = inert(self.__name__, name)
        setattr(self, name, value)
        return value


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of LEFT_OUT, and whatever is imported from below them."""

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        return (
            importlib.machinery.ModuleSpec(fullname, self, is_package=True)
            if fullname.partition(".")[0] in LEFT_OUT
            else None
        )

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return InertModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def installed() -> bool:
    """Whether the stand-in is in force in this process."""
    return any(isinstance(finder, Finder) for finder in sys.meta_path)


def install(config: Optional[Path] = None) -> None:
    """Leave TensorFlow out of this process. Raises TensorFlowLeftOut when `config` names a
    component that computes with it.

    Does nothing when the workaround is switched off, or when TensorFlow is loaded already.
    """
    if not switches.enabled(SWITCH) or not installed() and "tensorflow" in sys.modules:
        return
    needed = components_that_need_it(config) if config else []
    if needed:
        raise TensorFlowLeftOut(
            f"{config}: {', '.join(needed)} needs TensorFlow, which is left out. {MEND}"
        )
    if not installed():
        sys.meta_path.insert(0, Finder())
    # The format of Keras' files, 15 MB: spaCy's thinc takes it when it is there.
    sys.modules.setdefault("h5py", None)


def components_that_need_it(config: Path) -> List[str]:
    """The names in a config.yml of components of Rasa that compute with TensorFlow. What cannot be
    read is left for Rasa to complain about."""
    try:
        data = yaml.safe_load(config.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return []
    if not isinstance(data, dict):
        return []
    entries = [entry for part in ("pipeline", "policies") for entry in data.get(part) or []]
    names = [entry.get("name") if isinstance(entry, dict) else entry for entry in entries]
    return [name for name in names if str(name).rpartition(".")[2] in NEED_TENSORFLOW]


def needs_tensorflow(component: type) -> bool:
    """Whether the module of a component, or of a class it inherits from, holds a stand-in."""
    modules = {sys.modules.get(parent.__module__) for parent in inspect.getmro(component)} - {None}
    return any(
        isinstance(value, (InertModule, InertType))
        for module in modules
        for value in vars(module).values()
    )


def refuse_components() -> None:
    """Refuse at the door of Rasa's graph whatever needs TensorFlow: a model that was trained
    elsewhere, a component of one's own."""
    from rasa.engine.graph import GraphNode

    load = GraphNode._load_component

    def load_component(self: Any, *arguments: Any, **options: Any) -> Any:
        if installed() and needs_tensorflow(self._component_class):
            raise TensorFlowLeftOut(
                f"{self._component_class.__name__} needs TensorFlow, which is left out. {MEND}"
            )
        return load(self, *arguments, **options)

    GraphNode._load_component = load_component
