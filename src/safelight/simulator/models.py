"""Which model files the simulator pretends to have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Models = Mapping[str, Sequence[str]]

FOLDERS = (
    "checkpoints",
    "configs",
    "loras",
    "vae",
    "text_encoders",
    "diffusion_models",
    "clip_vision",
    "style_models",
    "embeddings",
    "diffusers",
    "vae_approx",
    "controlnet",
    "gligen",
    "upscale_models",
    "custom_nodes",
    "hypernetworks",
    "photomaker",
    "classifiers",
    "model_patches",
    "audio_encoders",
)

STUDIO: Models = {
    "checkpoints": (
        "diving.safetensors",
        "juggernautXL.safetensors",
        "sd3.5_large.safetensors",
        "sd_xl_base_1.0.safetensors",
        "v1-5-pruned-emaonly.safetensors",
    ),
    "loras": ("film-grain.safetensors", "gothic.safetensors", "opal.safetensors"),
    "vae": ("ae.safetensors", "sdxl_vae.safetensors", "taesd3"),
    "text_encoders": (
        "clip_g.safetensors",
        "clip_l.safetensors",
        "t5xxl_fp16.safetensors",
        "t5xxl_fp8_e4m3fn.safetensors",
    ),
    "diffusion_models": ("flux1-dev.safetensors", "flux1-schnell.safetensors"),
    "embeddings": ("easynegative", "opal_fever_v2"),
}

# the folders of the server that was recorded
LAB: Models = {"vae": ("taesd3",), "diffusion_models": ("tiny_sd3_random.safetensors",)}


def models_of(lab: bool) -> Models:
    """Every folder with its files."""
    kept = LAB if lab else STUDIO
    return {folder: kept.get(folder, ()) for folder in FOLDERS}
