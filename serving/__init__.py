"""The HTTP service. Imports `stance` only."""

import os
import sys

# Two libraries report usage to their vendors. BentoML asks this variable, once, before any service is loaded;
# OpenVINO asks nothing, but reports only if it can import this module.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
