"""Examples of characters and workflows, as requests and as answers; see `examples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_GRAPH: Final = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "2": {"class_type": "ImageAddNoise", "inputs": {"image": ["1", 0], "seed": 7, "strength": 0.5}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "image"}},
}
_ASKED: Final = {
    "name": "Mira",
    "style": "anime",
    "workflow": "quick",
    "prompt": "a portrait of Mira",
    "negative_prompt": "lowres",
    "embedding": "mira_v2",
    "loras": [{"name": "gothic.safetensors", "strength": 0.8}],
    "width": 512,
    "height": 512,
    "steps": 35,
    "cfg": 8.0,
    "sampler": "euler",
    "scheduler": "normal",
}
_CHARACTER: Final = {"id": "mira", **_ASKED, "read_only": False}
_SUMMARY: Final = {"id": "quick", "exact_size": False, "read_only": False, "held": []}
_REPORT: Final = {
    "slots": {"seed": "2.seed", "width": "1.width", "height": "1.height"},
    "missing": ["prompt", "negative_prompt", "steps", "cfg", "sampler", "scheduler"],
    "notes": [],
    "classes": ["EmptyImage", "ImageAddNoise", "SaveImage"],
    "output": "3",
}
_WORKFLOW: Final = {
    **_SUMMARY,
    "graph": _GRAPH,
    "slots": {"seed": "2.seed"},
    "report": _REPORT,
}

CATALOGUE: Final[Mapping[str, Any]] = {
    "Character": _CHARACTER,
    "CharacterRequest": _ASKED,
    "Characters": {"data": [_CHARACTER]},
    "ResumedWorkflow": {"id": "quick", "pools": ["default"]},
    "Workflow": _WORKFLOW,
    "WorkflowCheck": {"report": _REPORT},
    "WorkflowRequest": {"graph": _GRAPH, "slots": {"seed": "2.seed"}},
    "Workflows": {"data": [_SUMMARY]},
}
"""By the name of the shape."""
