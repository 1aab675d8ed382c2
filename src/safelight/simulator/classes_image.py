"""Nodes that make, change, load and save pictures, and those made for the recordings."""

from __future__ import annotations

from safelight.simulator.classes import (
    Input,
    NodeClass,
    choice,
    link,
    real,
    seed,
    side,
    whole,
    words,
)

PREFIX_TIP = (
    "The prefix for the file to save. This may include formatting information such as "
    "%date:yyyy-MM-dd% or %Empty Latent Image.width% to include values from nodes."
)
HIDDEN = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}

IMAGE_CLASSES = (
    NodeClass(
        name="EmptyImage",
        category="image",
        required={
            "width": side(512, 1, 1),
            "height": side(512, 1, 1),
            "batch_size": whole(1, 1, 4096),
            "color": whole(0, 0, 0xFFFFFF, step=1, display="color"),
        },
        returns=("IMAGE",),
    ),
    NodeClass(
        name="ImageAddNoise",
        category="image",
        required={
            "image": link("IMAGE"),
            "seed": seed(tooltip="The random seed used for creating the noise."),
            "strength": real(0.5, 0.0, 1.0, 0.01),
        },
        returns=("IMAGE",),
        module="comfy_extras.nodes_images",
    ),
    NodeClass(
        name="ImageBlur",
        category="image/postprocessing",
        required={
            "image": link("IMAGE"),
            "blur_radius": whole(1, 1, 31, step=1),
            "sigma": real(1.0, 0.1, 10.0, 0.1),
        },
        returns=("IMAGE",),
        module="comfy_extras.nodes_post_processing",
    ),
    NodeClass(
        name="ImageScale",
        category="image/upscaling",
        required={
            "image": link("IMAGE"),
            "upscale_method": choice(("nearest-exact", "bilinear", "area", "bicubic", "lanczos")),
            "width": side(512, 0, 1),
            "height": side(512, 0, 1),
            "crop": choice(("disabled", "center")),
        },
        returns=("IMAGE",),
        title="Upscale Image",
    ),
    NodeClass(
        name="SaveImage",
        category="image",
        required={
            "images": link("IMAGE", "The images to save."),
            "filename_prefix": Input("STRING", {"default": "ComfyUI", "tooltip": PREFIX_TIP}),
        },
        hidden=HIDDEN,
        title="Save Image",
        description="Saves the input images to your ComfyUI output directory.",
        is_output=True,
    ),
    NodeClass(
        name="PreviewImage",
        category="image",
        required={"images": link("IMAGE")},
        hidden=HIDDEN,
        title="Preview Image",
        description="Saves the input images to your ComfyUI output directory.",
        is_output=True,
    ),
    NodeClass(
        name="LoadImage",
        category="image",
        required={"image": choice((), image_upload=True)},
        returns=("IMAGE", "MASK"),
        title="Load Image",
    ),
)

LAB_CLASSES = (
    NodeClass(
        name="LabSleepSampler",
        category="lab",
        required={
            "seed": seed(),
            "steps": whole(20, 1, 10000),
            "seconds": real(2.0, 0.0, 3600.0, 0.01),
            "width": side(512, 16, 1),
            "height": side(512, 16, 1),
            "batch_size": whole(1, 1, 64),
            "preview": Input("BOOLEAN", {"default": True}),
        },
        returns=("IMAGE",),
        is_lab=True,
    ),
    NodeClass(
        name="LabSleepBlind",
        category="lab",
        required={"image": link("IMAGE"), "seconds": real(2.0, 0.0, 3600.0, 0.01)},
        returns=("IMAGE",),
        is_lab=True,
    ),
    NodeClass(
        name="LabRaise",
        category="lab",
        required={
            "image": link("IMAGE"),
            "kind": choice(("ValueError", "OOM", "KeyboardInterrupt", "SystemExit", "none")),
            "message": Input("STRING", {"default": "boom"}),
        },
        returns=("IMAGE",),
        is_lab=True,
    ),
    NodeClass(
        name="LabRandomConditioning",
        category="lab",
        required={
            "text": words(),
            "dim": whole(64, 1, 8192),
            "pooled": whole(32, 1, 8192),
        },
        returns=("CONDITIONING",),
        is_lab=True,
    ),
)
