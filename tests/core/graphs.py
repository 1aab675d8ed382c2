"""Workflows as people export them, small, one per family; built anew at each call."""

from __future__ import annotations

from typing import Any

from safelight.core.records import Graph


def node(class_type: str, /, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def quick(batch_size: int = 1) -> Graph:
    """Neither text nor sampler."""
    return {
        "1": node("EmptyImage", width=256, height=256, batch_size=batch_size, color=3368601),
        "2": node("ImageAddNoise", image=["1", 0], seed=1, strength=0.5),
        "3": node("SaveImage", images=["2", 0], filename_prefix="quick"),
    }


def sd15() -> Graph:
    return {
        "3": node(
            "KSampler",
            seed=8566257,
            steps=20,
            cfg=8.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
        ),
        "4": node("CheckpointLoaderSimple", ckpt_name="v1-5-pruned-emaonly.safetensors"),
        "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
        "6": node("CLIPTextEncode", text="beautiful scenery", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="text, watermark", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
    }


def sd15_lora() -> Graph:
    """A LoRA and a clip skip lie between the checkpoint and its users."""
    graph = sd15()
    graph["10"] = node(
        "LoraLoader",
        lora_name="old.safetensors",
        strength_model=0.5,
        strength_clip=0.5,
        model=["4", 0],
        clip=["4", 1],
    )
    graph["11"] = node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["10", 1])
    graph["3"]["inputs"]["model"] = ["10", 0]
    for text in ("6", "7"):
        graph[text]["inputs"]["clip"] = ["11", 0]
    return graph


def controlnet() -> Graph:
    """Both conditionings pass through one node and come out of its two outputs."""
    graph = sd15()
    graph["20"] = node(
        "ControlNetApplyAdvanced",
        strength=1.0,
        positive=["6", 0],
        negative=["7", 0],
        control_net=["21", 0],
        image=["22", 0],
    )
    graph["21"] = node("ControlNetLoader", control_net_name="openpose.safetensors")
    graph["22"] = node("LoadImage", image="pose.png", upload="image")
    graph["3"]["inputs"] |= {"positive": ["20", 0], "negative": ["20", 1]}
    return graph


def hires_fix() -> Graph:
    """A second pass over an enlarged latent."""
    graph = sd15()
    second = {**graph["3"]["inputs"], "seed": 5, "steps": 14, "denoise": 0.5}
    graph["12"] = node("LatentUpscale", upscale_method="nearest-exact", width=1024, height=1536)
    graph["12"]["inputs"] |= {"crop": "disabled", "samples": ["3", 0]}
    graph["13"] = node("KSampler", **{**second, "latent_image": ["12", 0]})
    graph["8"]["inputs"]["samples"] = ["13", 0]
    return graph


def upscaler() -> Graph:
    graph = sd15()
    graph["14"] = node("UpscaleModelLoader", model_name="RealESRGAN_x4plus.pth")
    graph["15"] = node("ImageUpscaleWithModel", upscale_model=["14", 0], image=["8", 0])
    graph["9"]["inputs"]["images"] = ["15", 0]
    return graph


def sdxl() -> Graph:
    """Base and refiner, each with its own checkpoint; KSamplerAdvanced hands the latent on."""
    sampler: dict[str, Any] = {
        "steps": 25,
        "cfg": 8.0,
        "sampler_name": "euler",
        "scheduler": "normal",
    }
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "5": node("EmptyLatentImage", width=1024, height=1024, batch_size=1),
        "6": _sdxl_text("evening sunset", ["4", 1]),
        "7": _sdxl_text("text, watermark", ["4", 1]),
        "10": node(
            "KSamplerAdvanced",
            add_noise="enable",
            noise_seed=721897303308196,
            start_at_step=0,
            end_at_step=20,
            return_with_leftover_noise="enable",
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
            **sampler,
        ),
        "11": node(
            "KSamplerAdvanced",
            add_noise="disable",
            noise_seed=0,
            start_at_step=20,
            end_at_step=10000,
            return_with_leftover_noise="disable",
            model=["12", 0],
            positive=["15", 0],
            negative=["16", 0],
            latent_image=["10", 0],
            **sampler,
        ),
        "12": node("CheckpointLoaderSimple", ckpt_name="sd_xl_refiner_1.0.safetensors"),
        "15": _refiner_text("evening sunset"),
        "16": _refiner_text("text, watermark"),
        "17": node("VAEDecode", samples=["11", 0], vae=["12", 2]),
        "19": node("SaveImage", filename_prefix="ComfyUI", images=["17", 0]),
    }


def _sdxl_text(text: str, clip: list[Any]) -> dict[str, Any]:
    sizes = {"width": 1024, "height": 1024, "target_width": 1024, "target_height": 1024}
    crop = {"crop_w": 0, "crop_h": 0}
    return node("CLIPTextEncodeSDXL", text_g=text, text_l=text, clip=clip, **sizes, **crop)


def _refiner_text(text: str) -> dict[str, Any]:
    return node(
        "CLIPTextEncodeSDXLRefiner", ascore=6.0, width=1024, height=1024, text=text, clip=["12", 1]
    )


def sd3() -> Graph:
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="sd3_medium.safetensors"),
        "6": node("CLIPTextEncode", text="a ferret", clip=["11", 0]),
        "8": node("VAEDecode", samples=["271", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
        "11": node(
            "TripleCLIPLoader",
            clip_name1="clip_g.safetensors",
            clip_name2="clip_l.safetensors",
            clip_name3="t5xxl_fp16.safetensors",
        ),
        "13": node("ModelSamplingSD3", shift=3.0, model=["4", 0]),
        "67": node("ConditioningZeroOut", conditioning=["71", 0]),
        "68": node("ConditioningSetTimestepRange", start=0.1, end=1.0, conditioning=["67", 0]),
        "69": node("ConditioningCombine", conditioning_1=["68", 0], conditioning_2=["70", 0]),
        "70": node("ConditioningSetTimestepRange", start=0.0, end=0.1, conditioning=["71", 0]),
        "71": node("CLIPTextEncode", text="bad quality", clip=["11", 0]),
        "135": node("EmptySD3LatentImage", width=1024, height=1024, batch_size=1),
        "271": node(
            "KSampler",
            seed=945512652412924,
            steps=28,
            cfg=4.5,
            sampler_name="dpmpp_2m",
            scheduler="sgm_uniform",
            denoise=1.0,
            model=["13", 0],
            positive=["6", 0],
            negative=["69", 0],
            latent_image=["135", 0],
        ),
    }


def flux() -> Graph:
    return {
        "6": node("CLIPTextEncode", text="cute anime girl", clip=["11", 0]),
        "8": node("VAEDecode", samples=["13", 0], vae=["10", 0]),
        "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
        "10": node("VAELoader", vae_name="ae.safetensors"),
        "11": node(
            "DualCLIPLoader",
            clip_name1="t5xxl_fp16.safetensors",
            clip_name2="clip_l.safetensors",
            type="flux",
        ),
        "12": node("UNETLoader", unet_name="flux1-dev.safetensors", weight_dtype="default"),
        "13": node(
            "SamplerCustomAdvanced",
            noise=["25", 0],
            guider=["22", 0],
            sampler=["16", 0],
            sigmas=["17", 0],
            latent_image=["27", 0],
        ),
        "16": node("KSamplerSelect", sampler_name="euler"),
        "17": node("BasicScheduler", scheduler="simple", steps=20, denoise=1.0, model=["30", 0]),
        "22": node("BasicGuider", model=["30", 0], conditioning=["26", 0]),
        "25": node("RandomNoise", noise_seed=219670278747233),
        "26": node("FluxGuidance", guidance=3.5, conditioning=["6", 0]),
        "27": node("EmptySD3LatentImage", width=1024, height=768, batch_size=1),
        "30": node(
            "ModelSamplingFlux",
            max_shift=1.15,
            base_shift=0.5,
            width=1024,
            height=768,
            model=["12", 0],
        ),
    }


def flux_cfg() -> Graph:
    """With a CFGGuider: two texts and a cfg."""
    graph = flux()
    graph["7"] = node("CLIPTextEncode", text="blurry", clip=["11", 0])
    graph["22"] = node("CFGGuider", cfg=4.0, model=["30", 0], positive=["26", 0], negative=["7", 0])
    return graph


def flux_one_text() -> Graph:
    """KSampler with cfg 1, where both sides come from one text."""
    graph = sd15()
    graph["3"]["inputs"] |= {"cfg": 1.0, "negative": ["6", 0]}
    del graph["7"]
    return graph


def primitives() -> Graph:
    """Values written in nodes of their own, one through a reroute."""
    graph = sd15()
    graph["30"] = node("PrimitiveInt", value=77, control_after_generate="fixed")
    graph["31"] = node("PrimitiveStringMultiline", value="a lighthouse")
    graph["32"] = node("Reroute", **{"": ["31", 0]})
    graph["33"] = node("PrimitiveInt", value=640)
    graph["34"] = node("Seed (rgthree)", seed=5)
    graph["3"]["inputs"] |= {"seed": ["34", 0], "steps": ["30", 0]}
    graph["6"]["inputs"]["text"] = ["32", 0]
    graph["5"]["inputs"] |= {"width": ["33", 0], "height": ["33", 0]}
    return graph


def two_outputs() -> Graph:
    graph = quick()
    graph["4"] = node("ImageBlur", image=["2", 0], blur_radius=4, sigma=1.0)
    graph["5"] = node("SaveImage", images=["4", 0], filename_prefix="blurred")
    graph["6"] = node("PreviewImage", images=["4", 0])
    return graph


def editor_format() -> dict[str, Any]:
    """What Save (not Export) writes: nothing that a server can run."""
    return {
        "last_node_id": 9,
        "last_link_id": 9,
        "nodes": [{"id": 3, "type": "KSampler", "widgets_values": [1, "randomize"]}],
        "links": [[1, 4, 0, 3, 0, "MODEL"]],
        "version": 0.4,
    }


FAMILIES = (
    *(quick, sd15, sd15_lora, controlnet, hires_fix, upscaler, sdxl, sd3),
    *(flux, flux_cfg, flux_one_text, primitives),
)
