"""
The variables that Kubernetes sets for each Service of a namespace, in every container of it.

A Service named `weir` gives `WEIR_PORT=tcp://10.0.0.1:80`, `WEIR_SERVICE_HOST`, and so on; one
named `weir-admin` gives `WEIR_ADMIN_PORT=tcp://…`
(https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
"""

import re
from collections.abc import Iterator, Mapping

# What is set beside `<NAME>_PORT=tcp://…`, which every family has.
MEMBER = re.compile(
    r"_SERVICE_HOST|_SERVICE_PORT(_[A-Z0-9_]+)?|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?"
    r"|_NAME|_ENV_\w+"  # Docker's own, of a container that is linked
)
ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+")


def service_links(variables: Mapping[str, str]) -> frozenset[str]:
    """Name those of *variables* that tell of a Service."""
    return frozenset(
        name
        for service in _services(variables)
        for name in variables
        if name.startswith(service) and MEMBER.fullmatch(name, len(service))
    )


def _services(variables: Mapping[str, str]) -> Iterator[str]:
    """The names of the Services, as they stand in front of their variables."""
    for name, value in variables.items():
        if name.endswith("_PORT") and ADDRESS.fullmatch(value):
            yield name.removesuffix("_PORT")
