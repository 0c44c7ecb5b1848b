"""Starts the service: what `stance serve` calls.

One worker runs in this process, which is ready sooner and needs no second process beside it; several run
under BentoML's supervisor, as with `bentoml serve`.
"""

from __future__ import annotations

import http.client
import importlib.util
import logging
import os
import socket
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvicorn

from serving.config import CONFIG_VARIABLE, ConfigError, ServingConfig, api_keys, load_config

#: Seconds between two looks at whether the service is ready.
POLL = 0.05


def serve(config_path: Path | None = None, host: str | None = None, port: int | None = None) -> None:
    """Run the service until it is told to stop; `host` and `port` replace the configuration's.

    Logs go to stderr. Raises `ConfigError` for a configuration, key list or port that cannot be used, and
    `stance.artifact.ArtifactError` for a model that cannot, before anything is served.
    """
    named = config_path or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    config = load_config(named, given)
    if named is not None:
        os.environ[CONFIG_VARIABLE] = str(named.resolve())
    if not api_keys() and config.host != "127.0.0.1":
        print(f"stance: no STANCE_API_KEYS, so everybody who reaches {config.host} may ask", file=sys.stderr)
    _check_shadow(config)
    listener = _bind(config.host, config.port)
    threading.Thread(target=_announce, args=(config.host, config.port), daemon=True).start()
    if config.workers == 1:
        _serve_here(config, listener)
    else:
        listener.close()
        _serve_supervised(config)


def _check_shadow(config: ServingConfig) -> None:
    """A shadow that cannot be loaded later costs no answer; at the start it is a mistake that somebody can mend."""
    if config.shadow.model is not None:
        from stance.artifact import read_manifest
        from stance.classifier import resolve_model

        read_manifest(resolve_model(config.shadow.model))
        if importlib.util.find_spec("sqlalchemy") is None or importlib.util.find_spec("alembic") is None:
            raise ConfigError("shadow.model: keeping disagreements needs more packages; pip install 'stance[feedback]'")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(f"port: cannot listen on {host}:{port} ({error.strerror}); give another --port") from None
    return listener


def _announce(host: str, port: int) -> None:
    """Say on stderr where the service is, once it answers."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while not _ready(here, port):
        time.sleep(POLL)
    address = f"[{here}]" if ":" in here else here
    print(f"stance: ready at http://{address}:{port}", file=sys.stderr, flush=True)


def _ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _serve_here(config: ServingConfig, listener: socket.socket) -> None:
    """One worker in this process. The model is compiled while BentoML is still being imported."""
    from stance.classifier import StanceClassifier
    from stance.runtime import share_arena

    share_arena()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with tempfile.TemporaryDirectory(prefix="stance-metrics-") as metrics, ThreadPoolExecutor(1) as pool:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        loading = pool.submit(StanceClassifier.load, config.model, config.threads)
        import bentoml

        from serving import service

        # The labels that BentoML's own worker gives its metrics.
        bentoml.server_context.bento_name = bentoml.server_context.service_name = service.bento_service.name
        service.api.load(loading.result())
        settings = uvicorn.Config(
            service.bento_service.to_asgi(),
            log_config=None,
            access_log=False,  # BentoML writes one
            server_header=False,
            timeout_graceful_shutdown=round(config.timeout + service.MARGIN),
        )
        uvicorn.Server(settings).run(sockets=[listener])


def _serve_supervised(config: ServingConfig) -> None:
    """Several workers, each a process that BentoML starts again when it dies."""
    from stance.artifact import read_manifest
    from stance.classifier import resolve_model

    read_manifest(resolve_model(config.model))
    from serving.service import bento_service

    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # BentoML logs to stdout
    bento_service.serve_http(host=config.host, port=config.port)
