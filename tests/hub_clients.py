"""How this process, or a new one, comes to take the loopback Hub for huggingface.co."""

import os
import subprocess
import sys
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from transformers.utils import hub as transformers_hub
from typer.testing import CliRunner

from angel_hf.cli import app

TOKEN = "hf_loopbackwritetoken"
READ_TOKEN = "hf_loopbackreadtoken"
ROOT = Path(__file__).parents[1]
NAMES = {
    "D001259": ["Ataxia", "Dyssynergia", "Cerebellar ataxia"],
    "D001260": ["Ataxia Telangiectasia", "Louis-Bar syndrome"],
    "D001943": ["Breast Neoplasms", "breast cancer"],
    "D010051": ["Ovarian Neoplasms", "ovarian cancer"],
    "D003110": ["Colonic Neoplasms", "colon cancer", "cancer of the colon"],
    "D000008": ["Abdominal Neoplasms", "abdominal tumor"],
}
MARKED = "Mutations cause [[ataxia]] and [[colon cancer]] in some families."


def see(hub, patch):
    """Let this process's clients take the loopback Hub for the Hub, with the token that may write."""
    patch.setattr(constants, "ENDPOINT", hub.endpoint)
    template = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    patch.setattr(huggingface_hub.hf_api.api, "endpoint", hub.endpoint)
    patch.setattr(transformers_hub, "_hf_api", None)
    patch.setenv("HF_TOKEN", TOKEN)
    patch.setenv("DISABLE_SAFETENSORS_CONVERSION", "1")


def environment(hub, home, **more):
    """The environment in which a new process takes the loopback Hub for the Hub, in a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    own = {
        "HF_ENDPOINT": hub.endpoint,
        "HF_TOKEN": TOKEN,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_ETAG_TIMEOUT": "5",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return kept | own | more


def run_python(source, env, *arguments, python=sys.executable, cwd=None, stdin=subprocess.DEVNULL):
    """Run a program in a new process: its result, with what it wrote as text."""
    command = [str(python), "-c", source, *map(str, arguments)]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, cwd=cwd, stdin=stdin, timeout=300, check=False
    )


def push(*arguments):
    """`angel push` in this process."""
    return CliRunner().invoke(app, ["push", *map(str, arguments)])
