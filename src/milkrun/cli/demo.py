"""`milkrun demo`: see Milkrun at work on fifty endpoints of its own, with nothing to configure."""

import os
from typing import Annotated

import typer

from milkrun.cli.refusal import refuse


def demo(
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="The port; 0 takes a free one.")] = 8090,
) -> None:
    """Watch 50 sample endpoints, every 10 seconds.

    They run on this machine; nothing is kept when it stops.
    """
    from milkrun.cli.configuration import read_or_refuse
    from milkrun.cli.serve import overridden, run
    from milkrun.demo.company import CompanyError, company

    try:
        with company() as files:
            # OpenSSL's own way to name the roots to trust: the demo's authority is made at every start.
            os.environ["SSL_CERT_FILE"] = str(files.authority)
            run(overridden(read_or_refuse([files.configuration]), port=port, data=files.data))
    except CompanyError as err:
        refuse(f"milkrun: {err}")
