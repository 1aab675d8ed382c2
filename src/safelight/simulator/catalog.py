"""The node classes that can be used, with ComfyUI's own inputs, ranges and defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from safelight.simulator.classes import Input, ModelList, NodeClass
from safelight.simulator.classes_image import IMAGE_CLASSES, LAB_CLASSES
from safelight.simulator.classes_model import MODEL_CLASSES
from safelight.simulator.classes_sampling import SAMPLING_CLASSES
from safelight.simulator.models import Models

Catalog = Mapping[str, NodeClass]


def catalog_of(models: Models, lab: bool, models_any: bool) -> Catalog:
    """All classes by name, their model lists filled in."""
    classes: Iterable[NodeClass] = (
        *SAMPLING_CLASSES,
        *MODEL_CLASSES,
        *IMAGE_CLASSES,
        *(LAB_CLASSES if lab else ()),
    )
    return {node.name: _filled(node, models, models_any) for node in classes}


def _filled(node: NodeClass, models: Models, models_any: bool) -> NodeClass:
    required = {name: _listed(given, models, models_any) for name, given in node.required.items()}
    return replace(node, required=required)


def _listed(given: Input, models: Models, models_any: bool) -> Input:
    if not isinstance(given.kind, ModelList):
        return given
    files = sorted(models[given.kind.folder])
    return replace(given, kind=files, any_choice=models_any)
