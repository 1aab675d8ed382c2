"""Nodes that load models, read the text, and make latents."""

from __future__ import annotations

from safelight.simulator.classes import NodeClass, choice, link, model, real, side, whole, words

CLIP_TYPES = [
    "stable_diffusion",
    "stable_cascade",
    "sd3",
    "stable_audio",
    "mochi",
    "ltxv",
    "pixart",
    "cosmos",
    "lumina2",
    "wan",
    "hidream",
    "chroma",
    "ace",
    "omnigen2",
    "qwen_image",
    "hunyuan_image",
]
DUAL_CLIP_TYPES = ["sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image"]

DEVICE = {"device": choice(("default", "cpu"), advanced=True)}
BATCH = whole(1, 1, 4096, tooltip="The number of latent images in the batch.")

LOADERS = (
    NodeClass(
        name="CheckpointLoaderSimple",
        category="loaders",
        required={
            "ckpt_name": model("checkpoints", tooltip="The name of the checkpoint (model) to load.")
        },
        returns=("MODEL", "CLIP", "VAE"),
        title="Load Checkpoint",
        description=(
            "Loads a diffusion model checkpoint, diffusion models are used to denoise latents."
        ),
    ),
    NodeClass(
        name="UNETLoader",
        category="advanced/loaders",
        required={
            "unet_name": model("diffusion_models"),
            "weight_dtype": choice(("default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2")),
        },
        returns=("MODEL",),
        title="Load Diffusion Model",
    ),
    NodeClass(
        name="CLIPLoader",
        category="advanced/loaders",
        required={"clip_name": model("text_encoders"), "type": choice(CLIP_TYPES)},
        optional=DEVICE,
        returns=("CLIP",),
        title="Load CLIP",
    ),
    NodeClass(
        name="DualCLIPLoader",
        category="advanced/loaders",
        required={
            "clip_name1": model("text_encoders"),
            "clip_name2": model("text_encoders"),
            "type": choice(DUAL_CLIP_TYPES),
        },
        optional=DEVICE,
        returns=("CLIP",),
    ),
    NodeClass(
        name="TripleCLIPLoader",
        category="advanced/loaders",
        required={f"clip_name{place}": model("text_encoders") for place in (1, 2, 3)},
        returns=("CLIP",),
        module="comfy_extras.nodes_sd3",
    ),
    NodeClass(
        name="VAELoader",
        category="loaders",
        required={"vae_name": model("vae")},
        returns=("VAE",),
        title="Load VAE",
    ),
    NodeClass(
        name="LoraLoader",
        category="loaders",
        required={
            "model": link("MODEL", "The diffusion model the LoRA will be applied to."),
            "clip": link("CLIP", "The CLIP model the LoRA will be applied to."),
            "lora_name": model("loras", tooltip="The name of the LoRA."),
            "strength_model": real(1.0, -100.0, 100.0, 0.01),
            "strength_clip": real(1.0, -100.0, 100.0, 0.01),
        },
        returns=("MODEL", "CLIP"),
        title="Load LoRA",
    ),
    NodeClass(
        name="LoraLoaderModelOnly",
        category="loaders",
        required={
            "model": link("MODEL"),
            "lora_name": model("loras"),
            "strength_model": real(1.0, -100.0, 100.0, 0.01),
        },
        returns=("MODEL",),
    ),
    NodeClass(
        name="ModelSamplingSD3",
        category="advanced/model",
        required={"model": link("MODEL"), "shift": real(3.0, 0.0, 100.0, 0.01)},
        returns=("MODEL",),
        module="comfy_extras.nodes_model_advanced",
    ),
    NodeClass(
        name="ModelSamplingFlux",
        category="advanced/model",
        required={
            "model": link("MODEL"),
            "max_shift": real(1.15, 0.0, 100.0, 0.01),
            "base_shift": real(0.5, 0.0, 100.0, 0.01),
            "width": side(1024, 16, 8),
            "height": side(1024, 16, 8),
        },
        returns=("MODEL",),
        module="comfy_extras.nodes_model_advanced",
    ),
)

TEXTS = (
    NodeClass(
        name="CLIPTextEncode",
        category="conditioning",
        required={
            "text": words(tooltip="The text to be encoded."),
            "clip": link("CLIP", "The CLIP model used for encoding the text."),
        },
        returns=("CONDITIONING",),
        title="CLIP Text Encode (Prompt)",
    ),
    NodeClass(
        name="CLIPTextEncodeSDXL",
        category="advanced/conditioning",
        required={
            "clip": link("CLIP"),
            "width": whole(1024, 0, 16384),
            "height": whole(1024, 0, 16384),
            "crop_w": whole(0, 0, 16384),
            "crop_h": whole(0, 0, 16384),
            "target_width": whole(1024, 0, 16384),
            "target_height": whole(1024, 0, 16384),
            "text_g": words(),
            "text_l": words(),
        },
        returns=("CONDITIONING",),
        module="comfy_extras.nodes_clip_sdxl",
    ),
    NodeClass(
        name="CLIPSetLastLayer",
        category="conditioning",
        required={"clip": link("CLIP"), "stop_at_clip_layer": whole(-1, -24, -1, step=1)},
        returns=("CLIP",),
        title="CLIP Set Last Layer",
    ),
    NodeClass(
        name="ConditioningCombine",
        category="conditioning",
        required={"conditioning_1": link("CONDITIONING"), "conditioning_2": link("CONDITIONING")},
        returns=("CONDITIONING",),
        title="Conditioning (Combine)",
    ),
    NodeClass(
        name="FluxGuidance",
        category="advanced/conditioning/flux",
        required={"conditioning": link("CONDITIONING"), "guidance": real(3.5, 0.0, 100.0, 0.1)},
        returns=("CONDITIONING",),
        module="comfy_extras.nodes_flux",
    ),
)

LATENTS = (
    NodeClass(
        name="EmptyLatentImage",
        category="latent",
        required={
            "width": side(512, 16, 8, "The width of the latent images in pixels."),
            "height": side(512, 16, 8, "The height of the latent images in pixels."),
            "batch_size": BATCH,
        },
        returns=("LATENT",),
        title="Empty Latent Image",
    ),
    NodeClass(
        name="EmptySD3LatentImage",
        category="latent/sd3",
        required={
            "width": side(1024, 16, 16),
            "height": side(1024, 16, 16),
            "batch_size": whole(1, 1, 4096),
        },
        returns=("LATENT",),
        module="comfy_extras.nodes_sd3",
    ),
    NodeClass(
        name="VAEDecode",
        category="latent",
        required={
            "samples": link("LATENT", "The latent to be decoded."),
            "vae": link("VAE", "The VAE model used for decoding the latent."),
        },
        returns=("IMAGE",),
        title="VAE Decode",
    ),
    NodeClass(
        name="VAEEncode",
        category="latent",
        required={"pixels": link("IMAGE"), "vae": link("VAE")},
        returns=("LATENT",),
        title="VAE Encode",
    ),
)

MODEL_CLASSES = (*LOADERS, *TEXTS, *LATENTS)
