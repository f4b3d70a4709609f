"""OpenTelemetry for the client: spans of its requests and their phases, metrics of its requests and connections.

    telemetry = Telemetry()
    async with Client(on_event=telemetry) as client:
        telemetry.watch(client)

It needs the extra `milkrun[otel]`; nothing else of the client imports it.
"""

try:
    import opentelemetry.metrics
    import opentelemetry.trace  # noqa: F401  # what is asked is whether they can be imported
except ImportError as err:
    raise ImportError("milkrun.client.otel needs OpenTelemetry's API: pip install 'milkrun[otel]'") from err

from milkrun.client.otel.conventions import METHODS, SECRETS
from milkrun.client.otel.telemetry import Telemetry

__all__ = ["METHODS", "SECRETS", "Telemetry"]
