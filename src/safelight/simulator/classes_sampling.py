"""Nodes that sample, and what the custom sampler is put together from."""

from __future__ import annotations

from safelight.simulator.classes import Input, NodeClass, choice, link, real, seed, whole

SAMPLERS = [
    "euler",
    "euler_cfg_pp",
    "euler_ancestral",
    "euler_ancestral_cfg_pp",
    "heun",
    "heunpp2",
    "dpm_2",
    "dpm_2_ancestral",
    "lms",
    "dpm_fast",
    "dpm_adaptive",
    "dpmpp_2s_ancestral",
    "dpmpp_2s_ancestral_cfg_pp",
    "dpmpp_sde",
    "dpmpp_sde_gpu",
    "dpmpp_2m",
    "dpmpp_2m_cfg_pp",
    "dpmpp_2m_sde",
    "dpmpp_2m_sde_gpu",
    "dpmpp_2m_sde_heun",
    "dpmpp_2m_sde_heun_gpu",
    "dpmpp_3m_sde",
    "dpmpp_3m_sde_gpu",
    "ddpm",
    "lcm",
    "ipndm",
    "ipndm_v",
    "deis",
    "res_multistep",
    "res_multistep_cfg_pp",
    "res_multistep_ancestral",
    "res_multistep_ancestral_cfg_pp",
    "gradient_estimation",
    "gradient_estimation_cfg_pp",
    "er_sde",
    "seeds_2",
    "seeds_3",
    "sa_solver",
    "sa_solver_pece",
    "ddim",
    "uni_pc",
    "uni_pc_bh2",
]
SCHEDULERS = [
    "simple",
    "sgm_uniform",
    "karras",
    "exponential",
    "ddim_uniform",
    "beta",
    "normal",
    "linear_quadratic",
    "kl_optimal",
]
MODEL_TIP = "The model used for denoising the input latent."
NOISE_TIP = "The random seed used for creating the noise."
STEPS_TIP = "The number of steps used in the denoising process."
CFG_TIP = (
    "The Classifier-Free Guidance scale balances creativity and adherence to the prompt. Higher "
    "values result in images more closely matching the prompt however too high values will "
    "negatively impact quality."
)
SAMPLER_TIP = (
    "The algorithm used when sampling, this can affect the quality, speed, and style of the "
    "generated output."
)
SCHEDULER_TIP = "The scheduler controls how noise is gradually removed to form the image."
POSITIVE_TIP = "The conditioning describing the attributes you want to include in the image."
NEGATIVE_TIP = "The conditioning describing the attributes you want to exclude from the image."
LATENT_TIP = "The latent image to denoise."
DENOISE_TIP = (
    "The amount of denoising applied, lower values will maintain the structure of the initial "
    "image allowing for image to image sampling."
)
CFG = real(8.0, 0.0, 100.0, 0.1, round=0.01)
STEPS = whole(20, 1, 10000)

SAMPLING = (
    NodeClass(
        name="KSampler",
        category="sampling",
        required={
            "model": link("MODEL", MODEL_TIP),
            "seed": seed(tooltip=NOISE_TIP),
            "steps": whole(20, 1, 10000, tooltip=STEPS_TIP),
            "cfg": real(8.0, 0.0, 100.0, 0.1, round=0.01, tooltip=CFG_TIP),
            "sampler_name": choice(SAMPLERS, tooltip=SAMPLER_TIP),
            "scheduler": choice(SCHEDULERS, tooltip=SCHEDULER_TIP),
            "positive": link("CONDITIONING", POSITIVE_TIP),
            "negative": link("CONDITIONING", NEGATIVE_TIP),
            "latent_image": link("LATENT", LATENT_TIP),
            "denoise": real(1.0, 0.0, 1.0, 0.01, tooltip=DENOISE_TIP),
        },
        returns=("LATENT",),
        description=(
            "Uses the provided model, positive and negative conditioning to denoise the latent "
            "image."
        ),
    ),
    NodeClass(
        name="KSamplerAdvanced",
        category="sampling",
        required={
            "model": link("MODEL"),
            "add_noise": choice(("enable", "disable")),
            "noise_seed": seed(),
            "steps": STEPS,
            "cfg": CFG,
            "sampler_name": choice(SAMPLERS),
            "scheduler": choice(SCHEDULERS),
            "positive": link("CONDITIONING"),
            "negative": link("CONDITIONING"),
            "latent_image": link("LATENT"),
            "start_at_step": whole(0, 0, 10000),
            "end_at_step": whole(10000, 0, 10000),
            "return_with_leftover_noise": choice(("disable", "enable")),
        },
        returns=("LATENT",),
        title="KSampler (Advanced)",
    ),
    NodeClass(
        name="SamplerCustomAdvanced",
        category="sampling/custom_sampling",
        required={
            "noise": link("NOISE"),
            "guider": link("GUIDER"),
            "sampler": link("SAMPLER"),
            "sigmas": link("SIGMAS"),
            "latent_image": link("LATENT"),
        },
        returns=("LATENT", "LATENT"),
        return_names=("output", "denoised_output"),
        module="comfy_extras.nodes_custom_sampler",
    ),
)


def _custom(name: str, part: str, required: dict[str, Input], returns: str) -> NodeClass:
    return NodeClass(
        name=name,
        category=f"sampling/custom_sampling/{part}",
        required=required,
        returns=(returns,),
        module="comfy_extras.nodes_custom_sampler",
    )


CUSTOM_SAMPLING = (
    _custom("KSamplerSelect", "samplers", {"sampler_name": choice(SAMPLERS)}, "SAMPLER"),
    _custom(
        "BasicScheduler",
        "schedulers",
        {
            "model": link("MODEL"),
            "scheduler": choice(SCHEDULERS),
            "steps": STEPS,
            "denoise": real(1.0, 0.0, 1.0, 0.01),
        },
        "SIGMAS",
    ),
    _custom(
        "BasicGuider",
        "guiders",
        {"model": link("MODEL"), "conditioning": link("CONDITIONING")},
        "GUIDER",
    ),
    _custom(
        "CFGGuider",
        "guiders",
        {
            "model": link("MODEL"),
            "positive": link("CONDITIONING"),
            "negative": link("CONDITIONING"),
            "cfg": CFG,
        },
        "GUIDER",
    ),
    _custom("RandomNoise", "noise", {"noise_seed": seed()}, "NOISE"),
)

SAMPLING_CLASSES = (*SAMPLING, *CUSTOM_SAMPLING)
