"""What the parts around the client load: nothing that their users have not asked for."""

import subprocess
import sys

import pytest


def loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # our own code
    return set(done.stdout.split())


def test_shedding_load_needs_no_web_framework() -> None:
    modules = loaded_by("milkrun.client.asgi.shedding")
    assert "milkrun.client.asgi.shedding" in modules
    assert not modules & {"fastapi", "starlette", "pydantic"}


@pytest.mark.parametrize("folder", ["asgi", "httpx", "otel"])
def test_importing_the_client_loads_nothing_that_belongs_to_a_framework(folder: str) -> None:
    modules = loaded_by("milkrun.client")
    assert "milkrun.client.upstreams.fan_out" in modules
    assert not [name for name in modules if name.startswith(f"milkrun.client.{folder}")]
