"""
/v2: the Open Inference Protocol V2 over HTTP, a file for each family of its URLs.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from service.api.v2 import infer, models, repository, server, statistics, unsupported

FAMILIES = (server, models, infer, statistics, repository, unsupported)
