"""Serve one version on a socket handed down, with a limit of descriptors of its own.

Run as `python -m examples.flight_prices.serve right|broken --fd N --limit N`.
"""

import argparse
import importlib
import resource
import socket

import uvicorn

VERSIONS = ("broken", "right")


def main() -> None:
    """Set the limit before anything else is opened, then serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="serve")
    parser.add_argument("version", choices=VERSIONS)
    parser.add_argument("--fd", type=int, required=True, help="a listening socket")
    parser.add_argument("--limit", type=int, required=True, help="descriptors (RLIMIT_NOFILE)")
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (asked.limit, asked.limit))
    service = importlib.import_module(f"examples.flight_prices.service_{asked.version}")
    config = uvicorn.Config(service.app, loop="uvloop", log_level="warning", access_log=False)
    with socket.socket(fileno=asked.fd) as listener:
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
